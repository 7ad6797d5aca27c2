"""The `hsmr` backend: runs the user's own HSMR checkout and weights, in its own process and environment.

Nothing of HSMR is part of this package. Its demo script is started once a video; what it saves is read by the
importer, without executing pickled code.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from qevd_bio.pose.backends.base import Angles, Clip, Landmarks, Points
from qevd_bio.pose.backends.files import PREFIX, import_recording
from qevd_bio.pose.options import HSMR_TERMS, ExtractOptions
from qevd_bio.store.errors import ItemError, StopRun, UserError
from qevd_bio.store.orphans import tied_to_parent

SCRIPT = Path("exp/run_demo.py")
_TAIL = 1500
_GPU_CHECK = "import torch; print('cuda:0' if torch.cuda.is_available() else 'cpu')"


@dataclass(frozen=True)
class Checkout:
    """A user's HSMR: its folder and the Python of its environment."""

    root: Path
    python: Path

    @classmethod
    def of(cls, options: ExtractOptions) -> Checkout:
        """The checkout named by the options; raises UserError where script or interpreter are missing."""
        if options.hsmr_root is None:
            raise UserError(
                "the hsmr backend needs your own checkout of HSMR with its weights",
                expected=f"a folder with {SCRIPT}. {HSMR_TERMS}",
                fix="--hsmr-root FOLDER (and --hsmr-python ENV/bin/python), or --backend blazepose",
            )
        root = options.hsmr_root.expanduser()
        if not (root / SCRIPT).is_file():
            raise UserError(f"no {SCRIPT} here", where=root, expected="a checkout of HSMR", fix="check --hsmr-root")
        named = options.hsmr_python
        found = shutil.which(str(named.expanduser())) if named else shutil.which("python") or shutil.which("python3")
        if found is None:
            raise UserError("no such interpreter", where=named, expected="the Python of HSMR's environment")
        return cls(root.resolve(), Path(found))

    @cached_property
    def device(self) -> str:
        """cuda:0 where HSMR's own environment sees a GPU, else cpu. Raises StopRun where it has no torch."""
        run = subprocess.run(
            [str(self.python), "-c", _GPU_CHECK],
            capture_output=True,
            text=True,
            cwd=self.root,
            check=False,
            timeout=300,
        )
        answer = run.stdout.strip()
        if run.returncode or answer not in ("cuda:0", "cpu"):
            raise StopRun(
                f"HSMR's environment cannot import torch: {_last(run.stderr)}",
                where=self.python,
                expected="the Python of the environment that HSMR was installed in",
                fix="--hsmr-python ENV/bin/python",
            )
        return answer

    def revision(self) -> str:
        """Git revision of the checkout, or a hash of its script where it is no git checkout."""
        run = subprocess.run(
            ["git", "-C", str(self.root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
        )
        if run.returncode == 0:
            return run.stdout.strip()
        return "script " + hashlib.sha256((self.root / SCRIPT).read_bytes()).hexdigest()[:16]

    def run(self, video: Path, out: Path) -> Path:
        """Run HSMR on one video; returns the file it saved. Raises ItemError with the end of its output."""
        command = [str(self.python), str(SCRIPT), "-t", "video", "-i", str(video), "-o", str(out)]
        command += ["-d", self.device, "--ignore_skel"]
        environment = {**os.environ, "PYTHONPATH": str(self.root)}
        run = subprocess.run(
            command,
            cwd=self.root,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=environment,
            preexec_fn=tied_to_parent(),
        )
        saved = [path for path in sorted(out.glob(f"{PREFIX}*")) if path.suffix in (".npy", ".npz")]
        if run.returncode:
            raise ItemError("hsmr_failed", f"exit code {run.returncode}: {_last(run.stderr or run.stdout)}")
        if not saved:
            raise ItemError("no_person", f"HSMR saved nothing, as it does where it finds nobody: {_last(run.stdout)}")
        return saved[0]


class HsmrBackend:
    """HSMR's angles, made level and continuous. Observes all 46 degrees of freedom, toes and wrists weakly."""

    name = "hsmr"
    observes = "all 46, from one network; it states no confidence, so doubts are counted instead"

    def __init__(self, options: ExtractOptions) -> None:
        self._options = options
        self.checkout = Checkout.of(options)

    def identity(self) -> dict[str, str]:
        """HSMR's revision and the hash of its weights."""
        return {"model": "HSMR", "version": self.checkout.revision(), "model_hash": weights_hash(self.checkout.root)}

    def estimate(self, clip: Clip) -> Angles | Landmarks | Points:
        """Run HSMR on the video and import what it saved. Raises ItemError where that fails."""
        assert clip.path is not None
        with tempfile.TemporaryDirectory(prefix="qevd-bio-hsmr-") as folder:
            saved = self.checkout.run(clip.path.resolve(), Path(folder))
            return import_recording(saved, clip, self._options)


def weights_hash(root: Path) -> str:
    """A fingerprint of the weights below the checkout: names and sizes, not content (they are gigabytes)."""
    weights = sorted(p for p in root.glob("data_inputs/**/*") if p.suffix in (".ckpt", ".pth", ".pt", ".pkl"))
    if not weights:
        return ""
    lines = [f"{path.relative_to(root)} {path.stat().st_size}" for path in weights]
    return "names-and-sizes:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _last(text: str) -> str:
    return text.strip()[-_TAIL:] or "no output"
