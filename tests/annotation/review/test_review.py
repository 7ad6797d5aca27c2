"""Review: the page in a real browser, decisions back, bad files, agreement of reviewers."""

import csv
import json
import re
import time

import pytest

from qevd_bio.annotation.review.decisions import read_reviews, refresh
from qevd_bio.annotation.review.page import page_row, render
from qevd_bio.annotation.review.stage import agreement, bring_in, export
from qevd_bio.annotation.salient import vector_of
from qevd_bio.store.errors import UserError
from qevd_bio.tables.annotations import INTENTS, SALIENT, IntentRow, SalientRow
from tests.annotation.browser import browser, missing

HOSTILE = (
    "</script><script>window.hacked = 1</script>",
    '<img src="x" onerror="window.hacked = 2">',
    "\u202eevil\u2066 right to left \u2028 line",
    "'; window.hacked = 3; //",
    "x" * 10_000,
    "=HYPERLINK(1)",
)


def write_intents(workspace, texts=HOSTILE):
    rows = [
        IntentRow(split="s", video="0001", span=i, time_s=1.0, text=text, intent="corrective", status="ok",
                  method="rules", rule=text[:200], body_parts=["knee"], directions=[])
        for i, text in enumerate(texts)
    ]  # fmt: skip
    INTENTS.save(workspace.annotation("intents"), rows)
    return rows


def write_salient(workspace, count=4):
    joints = ["knee_r", "knee_l"]
    rows = [
        SalientRow(split="videos", video=f"c{i:02}", segment=0, exercise="squats", joints=joints,
                   vector=vector_of(joints), standard=joints, expansions="{}", status="ok", method="vlm")
        for i in range(count)
    ]  # fmt: skip
    for method in ("", "vlm"):
        SALIENT.save(workspace.annotation("salient", method), rows)
    return rows


def saved(path, decisions, reviewer="Ann", table="salient"):
    path.write_text(
        json.dumps({"format": "qevd-bio review 1", "table": table, "reviewer": reviewer, "decisions": decisions})
    )
    return path


def decision(key, state, value=None, at="2026-03-01T10:00:00Z", comment=""):
    return {"key": key, "state": state, "value": value, "comment": comment, "at": at}


def test_the_page_holds_no_hostile_markup_and_names_no_outside(workspace):
    rows = write_intents(workspace)
    page = render("intents", [page_row("intents", row) for row in rows])
    assert page.count("<script") == page.count("</script>") == 2
    assert "<img" not in page and 'onerror="' not in page and "\u2028" not in page
    frame = re.sub(r'(?s)(id="data">).*?(</script>)', r"\1\2", page)
    assert not re.search(r"(?:src|href)=|https?://(?!www\.w3\.org/2000/svg)|unsafe", frame)
    assert "default-src 'none'" in page


def test_the_page_works_in_a_real_browser(workspace, tmp_path):
    if missing():
        pytest.skip(missing())
    rows = write_intents(workspace)
    page = tmp_path / "review.html"
    assert export(workspace, "intents", page).rows == len(HOSTILE)
    with browser(tmp_path) as tab:
        tab.visit(page)
        assert tab.run("document.querySelectorAll('nav button').length") == len(HOSTILE)
        shown = []
        for i in range(len(HOSTILE)):
            shown.append(tab.run("document.getElementById('text').textContent"))
            if i < len(HOSTILE) - 1:
                tab.keys("j")
        assert shown == list(HOSTILE)
        assert tab.run("window.hacked === undefined && document.images.length === 0")
        tab.run("show(0)")
        tab.keys("a")  # first accepted
        tab.keys("2")  # second changed to motivational
        tab.keys("r")  # third rejected
        tab.keys("s")  # not saved: nobody has said who they are
        assert tab.run("document.activeElement.id") == "reviewer"
        tab.keys("Ann")
        tab.keys("\ue00c")  # Escape
        tab.keys("m")
        tab.keys("see video")
        tab.keys("\ue00c")
        tab.keys("a")  # fourth accepted, with the comment
        tab.keys("s")
        target = tmp_path / "review-intents.json"
        for _ in range(100):
            if target.is_file():
                break
            time.sleep(0.1)
        assert tab.complaints() == []
    assert bring_in(workspace, [target], None, None) == {"intents": 4}
    table = INTENTS.read_rows(workspace.annotation("intents"))
    assert [(row["review_state"], row["intent"], row["proposed"]) for row in table][:5] == [
        ("accepted", "corrective", None),
        ("changed", "motivational", "corrective"),
        ("rejected", "corrective", None),
        ("accepted", "corrective", None),
        ("proposed", "corrective", None),
    ]
    assert table[3]["comment"] == "see video" and table[0]["reviewer"] == "Ann" and table[0]["reviewed_at"]
    assert [row["text"] for row in table] == [row.text for row in rows]


def test_frames_and_curves_are_inside_the_page(workspace, clips, tmp_path):
    from qevd_bio.dataset.opening import open_dataset
    from tests.annotation.conftest import kinematics_of, squat

    write_salient(workspace)
    kinematics_of(squat()).write(workspace.kinematics("videos", "c00"))
    page = tmp_path / "r.html"
    done = export(workspace, "salient", page, dataset=open_dataset(clips, exercise="squats"))
    assert (done.rows, done.without_frames) == (4, 0)
    data = json.loads(re.search(r'id="data">(.*?)</script>', page.read_text()).group(1))
    assert len(data["rows"][0]["frames"]) == 4 and data["rows"][0]["frames"][0].startswith("data:image/jpeg")
    curve = next(curve for curve in data["rows"][0]["curves"] if curve["name"] == "knee_angle_r")
    assert len(curve["degrees"]) == 60 and max(curve["degrees"]) == 105


def test_changed_joints_change_the_vector_and_survive_making_the_table_again(workspace, tmp_path):
    rows = write_salient(workspace)
    key = rows[1].key
    file = saved(tmp_path / "a.json", [decision(key, "changed", ["thorax", "knee_r"])])
    bring_in(workspace, [file], None, None)
    write_salient(workspace)  # made again, without the decision
    for method in ("", "vlm"):
        refresh(workspace, "salient", workspace.annotation("salient", method))
        row = SALIENT.read_rows(workspace.annotation("salient", method))[1]
        assert (row["joints"], row["proposed"]) == (["knee_r", "thorax"], ["knee_r", "knee_l"])
        assert row["vector"] == vector_of(["knee_r", "thorax"])
    bring_in(
        workspace, [saved(tmp_path / "b.json", [decision(key, "accepted", at="2026-03-02T10:00:00Z")])], None, None
    )
    row = SALIENT.read_rows(workspace.annotation("salient"))[1]
    assert (row["review_state"], row["joints"], row["proposed"]) == ("accepted", ["knee_r", "knee_l"], None)
    assert len(read_reviews(workspace)) == 1


def test_agreement_of_two_reviewers(workspace, tmp_path):
    keys = [row.key for row in write_intents(workspace, ["a", "b", "c", "d"])]
    ann = [decision(key, "accepted") for key in keys]
    bob = [decision(keys[0], "accepted"), *(decision(key, "changed", "count") for key in keys[1:3])]
    files = [
        saved(tmp_path / "ann.json", ann, "Ann", "intents"),
        saved(tmp_path / "bob.json", bob, "Bob", "intents"),
    ]
    bring_in(workspace, files, None, None)
    report = agreement(workspace)["intents"]
    # Ann: c c c; Bob: c n n on the three rows both judged: observed 1/3, by chance 1/3.
    assert report["reviewers"] == ["Ann", "Bob"] and report["rows_judged_by_several"] == 3
    assert report["kappa"] == {"Ann / Bob": pytest.approx(0.0)}
    # Coincidences: 1 pair equal of 3; 4 c and 2 n: expected disagreement 16/30, observed 2/3.
    assert report["alpha"] == pytest.approx(1 - (2 / 3) / (16 / 30))


def test_csv_out_and_in(workspace, tmp_path):
    write_intents(workspace)
    export(workspace, "intents", tmp_path / "r.html")
    path = tmp_path / "r.csv"
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[5]["about"].startswith("'=HYPERLINK")
    rows[0] |= {"state": "changed", "value": "count"}
    rows[1] |= {"state": "Accepted", "comment": "fine"}
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    assert bring_in(workspace, [path], "intents", "Cy") == {"intents": 2}
    table = INTENTS.read_rows(workspace.annotation("intents"))
    assert [(row["review_state"], row["intent"]) for row in table][:3] == [
        ("changed", "count"),
        ("accepted", "corrective"),
        ("proposed", "corrective"),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("not json", "is not JSON"),
        ("[]", "is not a saved review"),
        (saved, "there is no row 'nowhere'"),
        ({"state": "maybe"}, "decision 1: unknown state 'maybe'"),
        ({"state": "changed", "value": ["wing"]}, "the changed value"),
        ({"at": "yesterday"}, "unknown time 'yesterday'"),
        ({"comment": "x" * 6000}, "comment is no text or too long"),
    ],
)
def test_a_bad_file_is_named_with_its_entry(workspace, tmp_path, content, words):
    rows = write_salient(workspace)
    path = tmp_path / "bad.json"
    if isinstance(content, str):
        path.write_text(content)
    elif isinstance(content, dict):
        saved(path, [decision(rows[0].key, "accepted") | content])
    else:
        saved(path, [decision("nowhere", "accepted")])
    with pytest.raises(UserError, match=words) as caught:
        bring_in(workspace, [path], None, None)
    assert "bad.json" in str(caught.value)
    assert read_reviews(workspace) == []


def test_nothing_to_review_names_the_command(workspace, tmp_path):
    with pytest.raises(UserError, match="qevd-bio annotate"):
        export(workspace, "salient", tmp_path / "r.html")
