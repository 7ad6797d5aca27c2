"""Figures: the numbers are in them, equal inputs give equal files, names from data are harmless."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from qevd_bio.dataset.opening import open_dataset
from qevd_bio.reporting.content.runs import find_scores
from qevd_bio.reporting.options import ReportOptions
from qevd_bio.reporting.plots.figures import drawing, save
from qevd_bio.reporting.plots.stage import plot_ablation, plot_cycle, plot_scores, plot_timeline
from qevd_bio.scoring.results import read_scores
from qevd_bio.store.errors import UserError
from tests.reporting.conftest import Made

pytest.importorskip("matplotlib")
KINDS = ("scores", "ablation", "timeline", "cycle")


def draw(kind: str, made: Made, out: Path) -> Path:
    folders = find_scores(made.workspace.root / "scores")
    if kind == "scores":
        return plot_scores(folders, out, protocol="official", metrics=None, published=True)
    if kind == "ablation":
        return plot_ablation(folders, out, protocol="strict", metrics=["temporal_f_score", "rouge_l"])
    if kind == "timeline":
        return plot_timeline(made.workspace, "0201", out, dataset=open_dataset(made.data))
    return plot_cycle(made.workspace, "QEVD-FIT-COACH-Benchmark/0201", out, cycle=2)


def texts(path: Path) -> str:
    """Texts of an SVG whose letters are drawn as paths: matplotlib keeps each in a comment."""
    return "\n".join(re.findall(r"<!-- (.*?) -->", path.read_text("utf-8"), re.DOTALL))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
def test_the_same_inputs_give_the_same_bytes(shared_made: Made, tmp_path: Path, kind: str, suffix: str) -> None:
    first, again = (draw(kind, shared_made, tmp_path / f"{n}{suffix}").read_bytes() for n in "ab")
    assert first == again
    assert first.startswith({".svg": b"<?xml", ".pdf": b"%PDF", ".png": b"\x89PNG"}[suffix])
    assert not re.search(rb"CreationDate|dc:date|matplotlib\.org|Matplotlib v", first)


def test_the_table_holds_the_numbers(shared_made: Made, tmp_path: Path) -> None:
    shown = texts(draw("scores", shared_made, tmp_path / "t.svg"))
    for name in ("near", "far"):
        score = read_scores(shared_made.workspace.scores(name)).protocols["official"]["temporal_f_score"]
        assert name in shown and f"{score.value:.3f}" in shown and f"[{score.low:.3f}, {score.high:.3f}]" in shown
    assert "BioCoach" in shown and "T-F" in shown and "METEOR" not in shown  # no run has it


def test_bars_stand_as_high_as_the_scores(shared_made: Made) -> None:
    from qevd_bio.reporting.content.runs import read_runs
    from qevd_bio.reporting.plots.scores import draw_bars

    runs = [run.view for run in read_runs(find_scores(shared_made.workspace.root / "scores"), strict=True)[0]]
    with drawing((4, 3)) as figure:
        draw_bars(figure, runs, "official", ["temporal_f_score"])
        heights = [patch.get_height() for patch in figure.axes[0].patches]
    assert heights == [run.scores.protocols["official"]["temporal_f_score"].value for run in runs]


def test_the_timeline_has_its_lanes(shared_made: Made, tmp_path: Path) -> None:
    shown = texts(draw("timeline", shared_made, tmp_path / "t.svg"))
    for lane in ("frames", "repetitions", "violations", "trainer", "near", "far", "squats"):
        assert lane in shown
    bare = tmp_path / "bare.svg"
    plot_timeline(shared_made.workspace, "0200", bare, options=ReportOptions(frames=0))
    assert "frames" not in texts(bare) and "violations" not in texts(bare)  # good squats


def test_a_cycle_is_shown_with_its_violations(shared_made: Made, tmp_path: Path) -> None:
    shown = texts(draw("cycle", shared_made, tmp_path / "c.svg"))
    assert "repetition 2" in shown and "other repetitions (4)" in shown and "reference ± 10°" in shown
    assert re.search(r"1: .*depth|1: .*shallow|1: ", shown)
    other = tmp_path / "lean.svg"
    plot_cycle(shared_made.workspace, "0201", other, quantity="hip_flexion_r")
    assert "hip_flexion_r (degrees)" in texts(other) and "reference" not in texts(other)


def test_a_dollar_in_a_name_is_a_dollar(made: Made, tmp_path: Path) -> None:
    path = made.workspace.scores("near") / "scores.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "name": "$\\frac{1}{$ <b>&\u202e"}))
    drawn = draw("scores", made, tmp_path / "s.svg")
    assert "frac" in texts(drawn) and "<b>" not in drawn.read_text("utf-8")
    draw("timeline", made, tmp_path / "t.png")
    draw("ablation", made, tmp_path / "a.pdf")


def test_pictures_are_not_empty(shared_made: Made, tmp_path: Path) -> None:
    for kind in KINDS:
        with Image.open(draw(kind, shared_made, tmp_path / f"{kind}.png")) as picture:
            grey = np.asarray(picture.convert("L"))
        assert picture.width > 500 and 0.002 < (grey < 128).mean() < 0.5


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (["timeline", "9999"], "no video is called '9999'"),
        (["timeline", "0200", "--segment", "7"], "no segment 7"),
        (["cycle", "0201", "--cycle", "40"], "no repetition 40"),
        (["cycle", "0201", "--quantity", "elbow_of_wood"], "no quantity is called 'elbow_of_wood'"),
        (["cycle", "0201", "--quantity", "1 +"], "error:"),
        (["scores", "--metrics", "meteor"], "no run has a value of 'meteor'"),
        (["scores", "--protocol", "loose"], "unknown protocol 'loose'"),
        (["scores", "--out", "table.docx"], "no figure can be written as .docx"),
        (["ablation", "--scores", "nowhere"], "no such file"),
    ],
)
def test_mistakes_are_one_message(
    shared_made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: list[str], said: str
) -> None:
    from cli.app import app

    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["plot", *call, "--workspace", str(shared_made.workspace.root)])
    assert done.exit_code == 2, done.output
    assert said in done.output and "Traceback" not in done.output
    assert list(tmp_path.iterdir()) == []


def test_the_commands_write_where_they_are_told(
    shared_made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cli.app import app

    monkeypatch.chdir(tmp_path)
    for call in (["scores", "--published"], ["ablation"], ["timeline", "0200", "--frames", "3"], ["cycle", "0200"]):
        done = CliRunner().invoke(app, ["plot", *call, "--workspace", str(shared_made.workspace.root)])
        assert done.exit_code == 0, done.output
        assert (tmp_path / done.output.strip()).read_bytes().startswith(b"%PDF")


def test_an_interrupted_drawing_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no figure can be written"), drawing((1, 1)) as figure:
        save(figure, tmp_path / "figure")
    assert list(tmp_path.iterdir()) == []
