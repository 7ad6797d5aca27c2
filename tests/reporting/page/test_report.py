"""The page: what is there is on it, what is not is said, and nothing else is needed to open it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from html import escape
from pathlib import Path

import pytest
from typer.testing import CliRunner

from qevd_bio.dataset.opening import open_dataset
from qevd_bio.reporting.content.runs import comparable, read_runs
from qevd_bio.reporting.content.simulated import signs_of_simulation
from qevd_bio.reporting.options import ReportOptions
from qevd_bio.reporting.page.stage import WrittenPage, write_report
from qevd_bio.scoring.results import read_scores
from qevd_bio.scoring.stage import score
from qevd_bio.store.errors import UserError
from qevd_bio.tables.motion import CYCLES
from qevd_bio.tables.verdicts import VERDICTS, faults_of
from qevd_bio.tables.workspace import Workspace
from tests.reporting.build import QUICK, add_scores, lengths, rewritten, write_data
from tests.reporting.conftest import Made


def write(made: Made, **more: object) -> tuple[WrittenPage, str]:
    new = rewritten(made.workspace) if "rewritten" not in more else None
    options = {"dataset": open_dataset(made.data), "rewritten": new} | more
    written = write_report(made.workspace, **options)  # type: ignore[arg-type]
    return written, written.path.read_text("utf-8")


def missing(written: WrittenPage) -> str:
    return " | ".join(f"{m.what} [{m.command}]" for m in written.missing)


def hashed(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def drawn(page: str, kind: str) -> int:
    """Strokes of a kind in all timelines; those of one lane share a path."""
    return sum(data.count("M") for data in re.findall(rf'd="([^"]*)" class="{kind}"', page))


def test_everything_is_on_one_page(made: Made) -> None:
    written, page = write(made)
    assert written.path == made.workspace.root / "report.html"
    assert (written.videos, written.runs, written.missing) == (2, 2, ())
    cycles, found = CYCLES.read_rows(made.workspace.cycles), faults_of(VERDICTS.load(made.workspace.verdicts))
    faults = len(found)
    assert len(cycles) == 10 and faults > 0
    assert page.count('class="rep') == len(cycles)
    moments = {(fault.video, fault.alarm, fault.at_s) for fault in found}
    assert page.count('class="hard"') + page.count('class="weak"') == len(moments)
    assert f"<dd>{faults}</dd>" in page
    assert (
        page.count("data:image/jpeg;base64,") == 3
    )  # a strip each, and the moment of a correction that kept its words
    assert drawn(page, "band") == sum(row["partial"] not in ("start", "end", "both") for row in cycles)
    for name in ("near", "far"):
        found = read_scores(made.workspace.scores(name)).protocols
        for protocol in ("official", "strict"):
            value = found[protocol]["temporal_f_score"]
            assert f"{value.value:.3f}" in page and f"[{value.low:.3f}, {value.high:.3f}]" in page
            assert value.signature in page
    assert page.count(">BioCoach<") == 1 and "Panchal et al. 2024" in page
    assert "The rewritten data set" in page and "rewritten: </small>" in page
    assert all(f"<bdi>{name}</bdi></summary>" in page for name in ("analyze", "rewrite", "score near", "score far"))


def test_matches_are_those_of_the_scores(made: Made) -> None:
    _, page = write(made)
    found = read_scores(made.workspace.scores("near"))
    matched = found.protocols["official"]["rouge_l"].n
    assert matched == 6
    assert drawn(page, "tie") == matched  # the other run matches nothing
    assert page.count("matched +0.5 s") == matched
    assert page.count(">missed<") == 6
    assert page.count("no feedback to match") == 2 * 2 + 6


def test_the_page_asks_for_nothing_and_runs_nothing(made: Made) -> None:
    _, page = write(made)
    assert page.count("<script") == 1 and "javascript:" not in page
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)
    assert script and f"script-src &#x27;{hashed(script[1])}&#x27;" in page
    assert not re.search(r"""(?:src|href|action|url)\s*=?\s*["'(]?\s*(?:https?:|//|file:)""", page)
    assert not re.search(r"\s(?:style|on\w+)=", page)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy and "default-src &#x27;none&#x27;" in policy[1] and "unsafe" not in policy[1]
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


def test_the_same_inputs_give_the_same_bytes(made: Made, tmp_path: Path) -> None:
    first = write(made, out=tmp_path / "a.html")[0].path.read_bytes()
    shutil.rmtree(made.workspace.root / "report")  # frames are cut again
    assert write(made, out=tmp_path / "b.html")[0].path.read_bytes() == first
    assert write(made, out=tmp_path / "c.html")[0].path.read_bytes() == first


def test_frames_are_kept_between_reports_and_damaged_ones_made_again(made: Made) -> None:
    _, page = write(made)
    kept = sorted((made.workspace.root / "report").rglob("*.jpg"))
    assert len(kept) == 2
    before = [path.stat().st_mtime_ns for path in kept]
    kept[0].write_bytes(b"no picture")
    assert write(made)[1] == page
    assert kept[0].stat().st_mtime_ns != before[0] and kept[1].stat().st_mtime_ns == before[1]


def test_the_pictures_stay_within_their_size(made: Made) -> None:
    assert write(made, options=ReportOptions(frames=24, size_mb=0.1))[0].size_bytes < 200_000
    written, page = write(made, options=ReportOptions(frames=0))
    assert "data:image" not in page
    assert missing(written) == "frames: left out with --frames 0 []"


@pytest.mark.parametrize(
    ("lost", "said"),
    [("scores", "scores: no predictions were scored [qevd-bio score"), ("kinematics", "angles: no kinematics [qevd-bio"),
     ("motion", "repetitions: no cycles.parquet [qevd-bio analyze]"), ("segments.parquet", "the table of segments"),
     ("manifests", ""), ("qevd-bio-fit-coach", "")],
)  # fmt: skip
def test_what_is_missing_is_said_and_the_rest_is_shown(made: Made, lost: str, said: str) -> None:
    place = made.workspace.root / lost
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    written, page = write(made, rewritten=None)
    assert said in missing(written)
    assert "the rewritten data set [qevd-bio rewrite" in missing(written)
    assert 'id="missing"' in page and written.videos == 2
    assert page.rstrip().endswith("</html>")


def test_without_a_data_set_the_scores_tell_the_feedback(made: Made) -> None:
    written, page = write(made, dataset=None, rewritten=None)
    assert "frames: no data set is named [qevd-bio report --data FOLDER]" in missing(written)
    assert "No frames: the video is not known" in page
    assert drawn(page, "truth") == 6 and drawn(page, "tie") == 6


def test_scores_alone_are_enough(made: Made, tmp_path: Path) -> None:
    alone = Workspace(tmp_path / "alone")
    shutil.copytree(made.workspace.root / "scores", alone.root / "scores")
    written = write_report(alone)
    page = written.path.read_text("utf-8")
    assert (written.videos, written.runs) == (2, 2)
    assert "Where this segment lies in its video is not known" in page
    assert drawn(page, "tie") == 6


def test_damaged_files_are_named_and_do_no_harm(made: Made) -> None:
    (made.workspace.scores("far") / "scores.json").write_text("{")
    (made.workspace.scores("near") / "pairs.parquet").write_bytes(b"PAR1")
    made.workspace.cycles.write_bytes(b"")
    made.workspace.kinematics("QEVD-FIT-COACH-Benchmark", "0200").write_bytes(b"nothing")
    (made.workspace.manifests / "extract.json").write_text("[[[")
    written, page = write(made)
    assert "scores of far: cannot be read as JSON" in missing(written)
    assert "feedback of near: cannot be read as Parquet" in missing(written)
    assert "repetitions: " in missing(written) and "cycles.parquet" in missing(written)
    assert "The kinematics cannot be read" in page
    assert page.count('class="curve"') == 1


def test_a_damaged_video_costs_its_frames_only(made: Made, tmp_path: Path) -> None:
    data = shutil.copytree(made.data, tmp_path / "qevd")
    (data / "QEVD-FIT-COACH-Benchmark" / "long_range_videos" / "0200.mp4").write_bytes(b"no video")
    _, page = write(made, dataset=open_dataset(data))
    assert page.count("data:image/jpeg") == 1 and page.count("No frames: ") == 1


def test_asking_for_scores_that_are_not_there_is_an_error(made: Made, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        write(made, scores=[tmp_path / "nowhere"])
    with pytest.raises(UserError, match="there is nothing to show yet"):
        write_report(Workspace(tmp_path / "empty"))
    written, page = write(made, scores=[made.workspace.scores("far")], only=["*/0201"])
    assert (written.videos, written.runs) == (1, 1)
    assert "QEVD-FIT-COACH-Benchmark/0200" not in re.search(r"<main.*?id=.manifests", page, re.DOTALL)[0]  # type: ignore[index]


def test_runs_with_other_references_are_not_mixed_into_the_timelines(made: Made, tmp_path: Path) -> None:
    other = write_data(tmp_path / "other-qevd-bio", lengths(), [(150, "Other words")], videos=False)
    add_scores(made.workspace, other, "other", 0.2)
    written, page = write(made)
    assert written.runs == 3
    assert "other was scored against other feedback than the rest" in missing(written)
    assert "QEVD-bio-fit-coach, biomechanical feedback: published rows" in page
    assert drawn(page, "tie") == 6


def test_against_the_rewritten_data_set_the_trainers_own_words_stay(made: Made) -> None:
    folder = add_scores(made.workspace, made.workspace.rewritten, "bio", 0.2)
    page = write(made, scores=[folder])[1]
    changed = [row for row in rewritten(made.workspace).rows if row.status == "rewritten"]
    assert changed and page.count("the trainer said: </small>") == len(changed)
    assert all(escape(row.text) in page and escape(row.original) in page for row in changed)


def test_a_list_of_pairs_has_scores_but_no_timeline(made: Made) -> None:
    pairs = made.workspace.root / "saved.json"
    pairs.write_text(json.dumps([{"GT": "deeper", "Pred": "go deeper"}, {"GT": "ten", "Pred": "nine"}]))
    score(pairs, None, QUICK, out=made.workspace.scores("saved"))
    runs, said = read_runs([made.workspace.scores("saved")], strict=True)
    assert comparable(runs) == ([], [])
    assert "saved is a list of matched pairs" in said[0].what
    assert write(made)[0].runs == 3


def test_two_runs_of_one_name_are_told_apart(made: Made) -> None:
    folder = made.workspace.scores("near")
    runs, _ = read_runs([folder, folder, folder], strict=True)
    assert [run.view.name for run in runs] == ["near", "near (2)", "near (3)"]


def test_simulated_data_is_called_so(made: Made, tmp_path: Path) -> None:
    assert signs_of_simulation(made.workspace, open_dataset(made.data)) == ()
    assert "Simulated data" not in write(made)[1]
    data = shutil.copytree(made.data, tmp_path / "sim")
    (data / "truth").mkdir()
    page = write(made, dataset=open_dataset(data))[1]
    assert "Simulated data. </b>" in page and "lies beside the data set" in page
    one = write(made, dataset=open_dataset(data / "QEVD-FIT-COACH-Benchmark"))[1]
    assert "Simulated data. </b>" in one
    (made.workspace.manifests / "simulate.json").write_text('{"stage": "simulate"}')
    assert "simulate.json says so" in signs_of_simulation(made.workspace, None)[0]


def test_warnings_about_degenerate_systems_are_shown(made: Made) -> None:
    preds = made.workspace.root / "mute.jsonl"
    preds.write_text(json.dumps({"video": "0200", "segment": 0, "feedbacks": []}) + "\n")
    score(preds, made.data, QUICK, out=made.workspace.scores("mute"))
    page = write(made)[1]
    assert re.search(r"Warning: </b><bdi>this system never speaks", page)
    assert "mute said nothing here." in page


def test_the_command(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cli.app import app

    monkeypatch.chdir(tmp_path)
    call = ["report", "--workspace", str(made.workspace.root), "--out", "page.html", "--frames", "4"]
    done = CliRunner().invoke(app, call)
    assert done.exit_code == 0, done.output
    assert "page.html: 2 videos, 2 runs, " in done.output
    page = (tmp_path / "page.html").read_text("utf-8")
    assert (
        page.count("data:image/jpeg") == 3
    )  # and the moment of a kept correction; the rewritten data set links to the videos
    assert "The rewritten data set" in page
    (made.workspace.rewritten / "feedbacks.parquet").write_bytes(b"damaged")
    done = CliRunner().invoke(app, [*call, "--data", str(made.data)])
    assert done.exit_code == 0, done.output
    assert "not shown: the rewritten data set: cannot be read as Parquet" in done.output
    done = CliRunner().invoke(app, ["report", "--workspace", str(tmp_path / "none")])
    assert done.exit_code == 2
    assert "there is nothing to show yet" in done.output
