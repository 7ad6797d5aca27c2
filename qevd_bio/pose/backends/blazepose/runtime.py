"""Running a TensorFlow Lite model: by OpenVINO, or by LiteRT where OpenVINO does not run."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.backends.blazepose.models import ModelFile
from qevd_bio.pose.options import Runtime
from qevd_bio.store import extras
from qevd_bio.store.errors import UserError
from qevd_bio.store.leftovers import explain_os_error
from qevd_bio.store.shortage import memory_ran_out

Floats = NDArray[np.float32]
Network = Callable[[Floats], list[Floats]]
"""Input as the model declares it to the wanted outputs, in order. What it returns lasts until the next call."""

_PACKAGES: dict[Runtime, str] = {"openvino": "openvino", "litert": "ai-edge-litert"}
_MODULES: dict[Runtime, str] = {"openvino": "openvino", "litert": "ai_edge_litert"}
# More threads than this do not pay for models of this size.
_MOST_THREADS = 4
_TFLITE = b"TFL3"


@dataclass(frozen=True)
class Engine:
    """How models are run. device: OpenVINO's name (CPU, GPU, NPU, AUTO, …); threads: None for a few of the cores."""

    runtime: Runtime = "openvino"
    device: str = "CPU"
    threads: int | None = None

    def version(self) -> str:
        """Name and version of the library, e.g. "openvino 2026.4.1"."""
        return f"{self.runtime} {metadata.version(_PACKAGES[self.runtime])}"

    def need(self) -> None:
        """Raise UserError where the library is missing or does not have the device."""
        extras.need(_MODULES[self.runtime], what="the pose model")
        if self.runtime == "litert":
            if self.device != "CPU":
                raise UserError(f"LiteRT runs on the CPU, not on {self.device}", fix="leave --device out")
            return
        if self.device == "CPU":
            return
        import openvino

        found = openvino.Core().available_devices
        kind = self.device.partition(":")[0].partition(".")[0]
        if kind not in ("AUTO", "HETERO", "MULTI") and self.device not in found and kind not in _kinds(found):
            raise UserError(
                f"OpenVINO has no device {self.device} on this machine",
                expected=f"--device {', '.join([*found, 'AUTO'])}",
                fix="install the device's driver, or leave --device out to use the CPU",
            )

    def load(self, model: ModelFile, outputs: Sequence[tuple[int, ...]]) -> Network:
        """The model, cut down to the outputs with these shapes (without the batch).

        Raises UserError where it is no such model.
        """
        if model.content[4:8] != _TFLITE:
            raise UserError("is no TensorFlow Lite model", where=model.name, expected="a .tflite file", fix=_AGAIN)
        threads = self.threads or min(_MOST_THREADS, os.cpu_count() or 1)
        if self.runtime == "litert":
            return _litert(model, outputs, threads)
        with _as_file(model) as path:
            return _openvino(path, outputs, self.device, threads, model.name)


_AGAIN = "qevd-bio models fetch, or name another file with --pose-model"


def _kinds(devices: Sequence[str]) -> set[str]:
    return {device.partition(".")[0] for device in devices}


@contextmanager
def _as_file(model: ModelFile) -> Iterator[Path]:
    """Where the model lies as a file, which is all that OpenVINO reads; for a while only where it came in a bundle."""
    if model.path is not None:
        yield model.path
        return
    with tempfile.TemporaryDirectory(prefix="qevd-bio-") as folder:
        path = Path(folder) / "model.tflite"
        try:
            path.write_bytes(model.content)
        except OSError as error:
            raise explain_os_error(error, path) from error
        yield path


def _openvino(path: Path, outputs: Sequence[tuple[int, ...]], device: str, threads: int, name: str) -> Network:
    import openvino as ov

    core = ov.Core()
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1"}
    if device == "CPU":
        # Pinned threads of several processes would all sit on the same cores.
        settings |= {"INFERENCE_NUM_THREADS": threads, "ENABLE_CPU_PINNING": False}
    try:
        whole = core.read_model(path)
        shapes = [tuple(output.partial_shape.get_min_shape())[1:] for output in whole.outputs]
        places = _places(shapes, outputs, name)
        cut = ov.Model([whole.outputs[place] for place in places], whole.get_parameters())
        request = core.compile_model(cut, device, settings).create_infer_request()
    except RuntimeError as error:
        if memory_ran_out(error):
            raise MemoryError(f"loading {name}") from error
        raise UserError(
            f"OpenVINO cannot use this model on {device}: {_last_line(error)}", where=name, fix=_AGAIN
        ) from error

    def run(picture: Floats) -> list[Floats]:
        found = request.infer([picture], share_inputs=True, share_outputs=True)
        return [found[number][0] for number in range(len(outputs))]

    return run


def _litert(model: ModelFile, outputs: Sequence[tuple[int, ...]], threads: int) -> Network:
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(model_content=model.content, num_threads=threads)
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        if memory_ran_out(error):
            raise MemoryError(f"loading {model.name}") from error
        raise UserError(f"LiteRT cannot use this model: {_last_line(error)}", where=model.name, fix=_AGAIN) from error
    details = interpreter.get_output_details()
    places = _places([tuple(int(size) for size in detail["shape"])[1:] for detail in details], outputs, model.name)
    entrance = interpreter.get_input_details()[0]["index"]

    def run(picture: Floats) -> list[Floats]:
        interpreter.set_tensor(entrance, picture)
        interpreter.invoke()
        return [interpreter.get_tensor(details[place]["index"])[0] for place in places]

    return run


def _places(shapes: Sequence[tuple[int, ...]], wanted: Sequence[tuple[int, ...]], name: str) -> list[int]:
    """Which output of a model has each wanted shape."""
    if any(shapes.count(shape) != 1 for shape in wanted):
        raise UserError(
            f"is another kind of model: its outputs are {_words(shapes)}",
            where=name,
            expected=f"outputs {_words(wanted)}, as MediaPipe's pose models have",
            fix=_AGAIN,
        )
    return [shapes.index(shape) for shape in wanted]


def _words(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join(" x ".join(map(str, shape)) for shape in sorted(shapes, key=math.prod))


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
