"""What works on this machine, what is missing, and the command that mends it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from qevd_bio.store.resources import prompts_path, refs_path

# Package, extra that brings it (empty: always installed), what it is for.
_PACKAGES = (
    ("numpy", "", "arrays"),
    ("scipy", "", "signal processing"),
    ("pyarrow", "", "Parquet tables"),
    ("av", "", "decoding video"),
    ("nltk", "", "METEOR"),
    ("rouge-score", "", "ROUGE-L"),
    ("openvino", "pose", "the default pose backend"),
    ("openai", "language", "annotate, classify, judges: any OpenAI-compatible endpoint"),
    ("torch", "train", "BERTScore, the coach"),
    ("transformers", "train", "BERTScore, the coach"),
    ("bert-score", "bertscore", "BERTScore"),
    ("peft", "train", "LoRA"),
    ("accelerate", "train", "training on one or several GPUs"),
    ("datasets", "hub", "the rewritten data set in Hugging Face form"),
    ("matplotlib", "report", "show and plot"),
    ("sacrebleu", "metrics", "BLEU"),
    ("ray", "ray", "running stages on a Ray cluster"),
)
_WORDNET_FOLDERS = ("/usr/share/wordnet",)
_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Check:
    """One thing looked at: whether it works, what was found, and what mends it. `needed` for the main job."""

    area: str
    name: str
    ok: bool
    found: str
    fix: str = ""
    needed: bool = False


def checks(workspace: Path, data: Path | None, llm_url: str | None, hsmr_root: Path | None) -> Iterator[Check]:
    """All checks, in the order of the pipeline. Imports heavy packages only in child processes."""
    yield Check("system", "python", True, f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield _disk(workspace)
    for name, extra, purpose in _PACKAGES:
        yield _package(name, extra, purpose)
    yield _shipped()
    yield _pose_model()
    yield _live()
    yield _hsmr(hsmr_root)
    yield _wordnet()
    yield _punkt()
    yield _gpu()
    yield _weights()
    yield _endpoint(llm_url)
    yield _data(data)


def _package(name: str, extra: str, purpose: str) -> Check:
    target = f"'qevd-bio[{extra}]'" if extra else "qevd-bio"
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Check("packages", name, False, f"not installed ({purpose})", f"pip install {target}", not extra)
    return Check("packages", name, True, f"{version} ({purpose})")


def _disk(workspace: Path) -> Check:
    folder = workspace
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    writable = os.access(folder, os.W_OK)
    found = f"{workspace.absolute()}: {free:.0f} GiB free" + ("" if writable else ", not writable")
    ok = writable and free > 1
    return Check("system", "workspace", ok, found, "" if ok else "name another folder with --workspace", True)


def _shipped() -> Check:
    exercises = len(list(refs_path("exercises").glob("*.yaml")))
    prompts = sum(1 for path in prompts_path().rglob("*") if path.is_file())
    fix = "" if exercises else "pip install --force-reinstall qevd-bio"
    return Check(
        "package data",
        "refs and prompts",
        exercises > 0,
        f"{exercises} exercises, {prompts} prompts",
        fix,
        True,
    )


def _run_python(code: str) -> tuple[bool, str]:
    """Run `code` in a child process; whether it worked, and its last line."""
    try:
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return False, "no answer within 120 s"
    lines = (run.stdout if run.returncode == 0 else run.stderr).strip().splitlines()
    return run.returncode == 0, lines[-1] if lines else ""


def _pose_model() -> Check:
    if util.find_spec("openvino") is None:
        return Check("pose", "pose model", False, "openvino is not installed", "pip install 'qevd-bio[pose]'", True)
    code = (
        "import numpy as np\n"
        "from qevd_bio.pose.backends.blazepose.backend import BlazePoseBackend\n"
        "from qevd_bio.pose.options import ExtractOptions\n"
        "from qevd_bio.store.errors import UserError\n"
        "try:\n"
        "    backend = BlazePoseBackend(ExtractOptions())\n"
        "    backend.tracker().process(np.zeros((64, 64, 3), np.uint8), 0.0)\n"
        "except UserError as error:\n"
        "    raise SystemExit(f'{error.problem}|{error.fix or str()}')\n"
        "print(backend.identity()['model'], 'by', backend.identity()['version'])"
    )
    ok, text = _run_python(code)
    problem, _, fix = text.partition("|")
    return Check("pose", "pose model", ok, f"{text} runs" if ok else problem, "" if ok else fix, True)


def _live() -> Check:
    name = "camera and window (coach live)"
    if util.find_spec("cv2") is None:
        return Check("pose", name, False, "OpenCV is not installed", "pip install 'qevd-bio[live]'")
    ok, text = _run_python("import cv2; print(cv2.__version__, cv2.currentUIFramework() or '-')")
    version, _, windows = text.partition(" ")
    if not ok:
        return Check("pose", name, False, f"OpenCV does not start: {text}", "pip install 'qevd-bio[live]'")
    found = f"OpenCV {version}, " + (
        "no windows: coach live --out FILE.mp4" if windows == "-" else f"windows by {windows}"
    )
    return Check("pose", name, True, found)


def _hsmr(root: Path | None) -> Check:
    fix = "clone HSMR, get its weights under their own licences, then name the folder with --hsmr-root"
    if root is None:
        return Check("pose", "hsmr backend", False, "no checkout named", fix)
    found = (root / "exp" / "run_demo.py").is_file()
    return Check("pose", "hsmr backend", found, str(root), "" if found else fix)


def _wordnet() -> Check:
    for folder in _WORDNET_FOLDERS:
        if all((Path(folder) / name).is_file() for name in ("index.sense", "data.noun", "index.noun")):
            return Check("metrics", "WordNet (METEOR)", True, folder)
    found = _nltk_folder("corpora/wordnet") or _nltk_folder("corpora/wordnet.zip")
    fix = "apt-get install wordnet-base wordnet-sense-index   (or: python -m nltk.downloader wordnet)"
    return Check("metrics", "WordNet (METEOR)", bool(found), found or "not found", "" if found else fix)


def _punkt() -> Check:
    found = _nltk_folder("tokenizers/punkt_tab")
    note = found or "not found: texts of several sentences are split without training data"
    return Check(
        "metrics",
        "Punkt (sentence split)",
        bool(found),
        note,
        "" if found else "python -m nltk.downloader punkt_tab",
    )


def _nltk_folder(name: str) -> str:
    roots = [*os.environ.get("NLTK_DATA", "").split(os.pathsep), str(Path.home() / "nltk_data")]
    roots += [f"{base}/nltk_data" for base in ("/usr/share", "/usr/local/share", "/usr/lib", sys.prefix)]
    for root in filter(None, roots):
        if (Path(root) / name).exists():
            return str(Path(root) / name)
    return ""


def _gpu() -> Check:
    if util.find_spec("torch") is None:
        return Check("models", "GPU", False, "torch is not installed", "pip install 'qevd-bio[train]'")
    code = "import torch; print(torch.cuda.get_device_name(0) if torch.cuda.is_available() else '')"
    ok, text = _run_python(code)
    if ok and text:
        return Check("models", "GPU", True, text)
    note = "none: extraction, rewriting and scoring run on the CPU" if ok else text
    return Check("models", "GPU", False, note, "" if ok else "pip install --force-reinstall torch")


def _weights() -> Check:
    home = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface")) / "hub"
    models = sorted(path.name.removeprefix("models--").replace("--", "/") for path in home.glob("models--*"))
    wanted = ("roberta-large", "meta-llama/Llama-2-7b-hf")
    missing = [name for name in wanted if not any(m.endswith(name.split("/")[-1]) for m in models)]
    found = f"{len(models)} models in the Hugging Face cache"
    if missing:
        found += f"; not there: {', '.join(missing)}"
    small = "a small coach needs none of them: qevd-bio coach new --language smollm2 --out coach"
    fix = "; ".join([*(f"hf download {name}" for name in missing), small]) if missing else ""
    return Check("models", "weights", not missing, found, fix)


def _endpoint(url: str | None) -> Check:
    if not url:
        return Check("models", "language-model endpoint", False, "none named", "--llm-url http://host:8000/v1")
    if not url.startswith(("http://", "https://")):
        return Check("models", "language-model endpoint", False, f"{url}: not an address", "http://host:8000/v1")
    request = urllib.request.Request(url.rstrip("/") + "/models")
    key = os.environ.get("OPENAI_API_KEY")
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as reply:
            return Check("models", "language-model endpoint", True, f"{url} answers ({reply.status})")
    except urllib.error.HTTPError as error:
        fix = "set OPENAI_API_KEY" if error.code in (401, 403) else "check the address: it usually ends in /v1"
        return Check("models", "language-model endpoint", False, f"{url}: HTTP {error.code}", fix)
    except (OSError, ValueError) as error:
        return Check(
            "models",
            "language-model endpoint",
            False,
            f"{url}: {error}",
            "start the server or check the address",
        )


def _data(data: Path | None) -> Check:
    if data is None:
        fix = (
            'set QEVD_BIO_DATA, or write data = "FOLDER" into qevd-bio.toml; '
            "qevd-bio dataset from-csv makes one of your own feedback"
        )
        return Check("data", "data set", False, "none named", fix)
    ok = data.is_dir()
    return Check("data", "data set", ok, str(data), "" if ok else "name a folder that exists", True)
