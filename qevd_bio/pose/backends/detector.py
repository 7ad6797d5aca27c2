"""The person detector that lies inside the mediapipe wheel, run alone on sampled frames.

`solutions.pose` follows one person and never says that there is a second one; this graph lists all detections.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.backends.native_logs import quiet_native_logs

_GRAPH = """
input_stream: "image"
output_stream: "detections"
node { calculator: "PoseDetectionCpu" input_stream: "IMAGE:image" output_stream: "DETECTIONS:detections" }
"""
# Its circle around a whole person is centred at the hips; shoulders to feet fill about this part of its square.
_WIDTH = 0.5
BLACK: NDArray[np.uint8] = np.zeros((64, 64, 3), dtype=np.uint8)


class PersonDetector:
    """Boxes and scores of all people in a frame. Use as a context manager: the graph holds memory until closed."""

    def __init__(self) -> None:
        from mediapipe.python._framework_bindings import calculator_graph, resource_util
        from mediapipe.python.solutions import pose

        resource_util.set_resource_dir(str(pose.__file__).split("/mediapipe/python/", 1)[0])
        self._found: list[Any] = []
        self._graph = calculator_graph.CalculatorGraph(graph_config=_GRAPH)
        self._graph.observe_output_stream("detections", self._receive)
        self._step = 0
        # The graph's parts come to life with its first picture, and say so; a black one lets them do it now.
        with quiet_native_logs():
            self._graph.start_run()
            self(BLACK)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: Any, trace: TracebackType | None) -> None:
        self._graph.close()

    def __call__(self, image: NDArray[np.uint8]) -> list[tuple[NDArray[np.float64], float]]:
        """(box x0, y0, x1, y1 in pixels, score 0..1) of each person in an RGB image (H, W, 3)."""
        from mediapipe.python import packet_creator
        from mediapipe.python._framework_bindings import image_frame

        self._found.clear()
        self._step += 1
        packet = packet_creator.create_image_frame(
            image_format=image_frame.ImageFormat.SRGB, data=np.ascontiguousarray(image)
        )
        self._graph.add_packet_to_input_stream("image", packet.at(self._step))
        self._graph.wait_until_idle()
        height, width = image.shape[:2]
        return [(_body_box(d, width, height), float(d.score[0])) for d in self._found]

    def _receive(self, name: str, packet: Any) -> None:
        from mediapipe.python import packet_getter

        self._found.extend(packet_getter.get_proto_list(packet))


def _body_box(detection: Any, width: int, height: int) -> NDArray[np.float64]:
    """Box of the body from the detector's two alignment points: mid-hip and a point on the circle around it.

    The detection's own box is that of the face and says little about the size of a person.
    """
    hip, rim = (np.array([p.x * width, p.y * height]) for p in detection.location_data.relative_keypoints[:2])
    radius = float(np.hypot(*(rim - hip)))
    reach = np.array([_WIDTH * radius, radius])
    if abs(rim[0] - hip[0]) > abs(rim[1] - hip[1]):
        reach = reach[::-1]
    box = np.concatenate([hip - reach, hip + reach])
    return np.asarray(np.clip(box, 0, [width, height, width, height]), dtype=np.float64)
