"""Does the wheel work without the constraints file: with the newest releases, and with the lowest that are allowed?

`python tests/tools/versions.py --folder /tmp/versions [--set newest|lowest|…] [--extra-pin torch==2.13.0]` builds the
wheel, installs each set into a fresh environment, runs `pip check` and short_suite.py there, and appends a line of
figures (versions, seconds, MB) to FOLDER/figures.jsonl. Exit status 1 where a set fails.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SUITE = Path(__file__).with_name("short_suite.py")
BUILT_FROM = ("qevd_bio", "cli", "refs", "prompts", "pyproject.toml", "README.md", "LICENSE")


@dataclass(frozen=True)
class Set:
    """What is installed: the extras, and whether each requirement stands at its lowest version."""

    extras: tuple[str, ...]
    lowest: bool = False


SETS = {
    "newest": Set(("language", "bertscore", "train", "hub", "report", "metrics")),
    "newest-core": Set(("language", "report", "metrics")),
    "newest-pose": Set(("pose", "litert", "report")),
    "lowest": Set(("language", "bertscore", "train", "hub", "report", "metrics"), lowest=True),
    "lowest-core": Set(("language", "report", "metrics"), lowest=True),
}


def build_wheel(folder: Path, *, isolated: bool = True) -> Path:
    """Build the wheel from a copy, so that no build folder of an earlier time slips into it."""
    source = folder / "source"
    for name in BUILT_FROM:
        origin, target = ROOT / name, source / name
        if origin.is_dir():
            shutil.copytree(origin, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"), dirs_exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(origin, target)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(source)]
    subprocess.run(command if isolated else [*command, "--no-build-isolation"], check=True, capture_output=True)
    shutil.rmtree(source)
    (wheel,) = folder.glob("qevd_bio-*.whl")
    return wheel


def lower_bounds(extras: Sequence[str]) -> list[str]:
    """`name==version` for each requirement of the core and of `extras`: the lowest version pyproject allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    found: dict[str, str] = {}
    for requirement in wanted:
        match = re.match(r"([\w.-]+)(?:\[[\w,]+\])?>=([\w.]+)", requirement)
        if match:
            found[match[1]] = match[2]
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def megabytes(folder: Path) -> int:
    """Size of all files below `folder`."""
    return round(sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink()) / 1e6)


def try_set(name: str, wheel: Path, folder: Path, python: str, pins: Sequence[str]) -> dict[str, Any]:
    """Install one set with `python` and run the suite; the figures, with `ok` False and the reason where it failed."""
    chosen = SETS[name]
    place = folder / f"{name}-{Path(python).parts[-3] if '/' in python else python}"
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run([python, "-m", "venv", str(place / "env")], check=True)
    inside = str(place / "env" / "bin" / "python")
    bounds = [*(lower_bounds(chosen.extras) if chosen.lowest else ())]
    pinned = {pin.split("==")[0] for pin in pins}
    (place / "constraints.txt").write_text("\n".join([b for b in bounds if b.split("==")[0] not in pinned] + [*pins]))
    start = time.monotonic()
    target = f"{wheel}[{','.join(chosen.extras)}]"
    install = [inside, "-m", "pip", "install", "-q", "--no-cache-dir", "-c", str(place / "constraints.txt"), target]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    figures: dict[str, Any] = {"set": name, "ok": False, "install_s": round(time.monotonic() - start)}
    if done.returncode:
        return {**figures, "why": (done.stdout + done.stderr)[-2000:]}
    figures["megabytes"] = megabytes(place / "env")
    check = subprocess.run([inside, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    figures["pip_check"] = check.stdout.strip()
    shutil.copy(SUITE, place / SUITE.name)
    suite = [inside, str(place / SUITE.name), str(place / "work"), ",".join(chosen.extras)]
    run = subprocess.run(suite, capture_output=True, text=True, check=False)
    print(run.stdout + run.stderr, flush=True)
    if run.returncode:
        return {**figures, "why": run.stdout[-3000:] + run.stderr[-2000:]}
    return {**figures, "ok": True, **json.loads(run.stdout.splitlines()[-1])}


def main() -> int:
    """Try the sets that were asked for."""
    parser = argparse.ArgumentParser(description="Install and run the wheel with the newest and the lowest releases.")
    parser.add_argument("--folder", type=Path, required=True, help="scratch space, several GB")
    parser.add_argument("--set", action="append", choices=sorted(SETS), help="default: newest and lowest")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the environments")
    parser.add_argument("--extra-pin", action="append", default=[], help="for example torch==2.13.0, a CPU build here")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for old in arguments.folder.glob("qevd_bio-*.whl"):
        old.unlink()
    wheel = build_wheel(arguments.folder)
    good = True
    for name in arguments.set or ("newest", "lowest"):
        figures = try_set(name, wheel, arguments.folder, arguments.python, arguments.extra_pin)
        with (arguments.folder / "figures.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(figures) + "\n")
        print(f"{name}: {'works' if figures['ok'] else 'FAILS: ' + figures['why']}", flush=True)
        good &= figures["ok"]
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
