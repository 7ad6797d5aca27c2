from __future__ import annotations

from pathlib import Path

import pytest

from qevd_bio.dataset.names import find, load_names
from qevd_bio.store.errors import UserError

TABLE_5 = """
jumping jacks, high knees, butt kickers, air jump rope, good mornings, push-ups, plank taps, moving plank, squats,
walking lunges, lunge jumps, puddle jumps, mountain climbers, floor touches, quick feet, squat jumps, squat kicks,
standing kicks, boxing squat punches, deltoid stretch, quad stretch, shoulder gators, toe touchers
"""


def test_the_23_names_of_table_5_find_themselves() -> None:
    book = load_names()
    table = [name.strip() for name in TABLE_5.split(",")]
    assert len(table) == 23
    assert sorted(book.names.values()) == sorted(table)
    for name in table:
        assert book.find(name).canonical == name
        assert book.find(name).side is None


@pytest.mark.parametrize(
    ("text", "id", "side"),
    [
        ("good morning beginner", "good_mornings", None),
        ("pushups", "push_ups", None),
        ("Push Ups", "push_ups", None),
        ("push-up", "push_ups", None),
        ("push_ups", "push_ups", None),
        ("armcrosschest", "deltoid_stretch", None),
        ("armcrosschest left", "deltoid_stretch", "left"),
        ("armcrosschest right", "deltoid_stretch", "right"),
        ("deltoid stretch (left side)", "deltoid_stretch", "left"),
        ("quad stretch left", "quad_stretch", "left"),
        ("Right quad-stretch", "quad_stretch", "right"),
        ("quad stretch left and right", "quad_stretch", None),
        ("jumpingjacks", "jumping_jacks", None),
        ("high-knee", "high_knees", None),
        ("quick foot", "quick_feet", None),
        ("floor touch", "floor_touches", None),
        ("boxing squat punch", "boxing_squat_punches", None),
        ("  SQUATS  ", "squats", None),
        ("squats beginner", "squats", None),
    ],
)
def test_spellings(text: str, id: str, side: str | None) -> None:
    name = load_names().lookup(text)
    assert name is not None
    assert (name.id, name.side, name.original) == (id, side, text)


def test_unknown_name_suggests_the_closest() -> None:
    with pytest.raises(UserError) as error:
        find("push dows")
    assert error.value.problem == "unknown exercise 'push dows'"
    assert "push-ups" in (error.value.expected or "")
    with pytest.raises(UserError, match="unknown exercise ''"):
        find("")


def test_user_files_add_exercises_and_aliases(tmp_path: Path) -> None:
    folder = tmp_path / "exercises"
    folder.mkdir()
    (folder / "bear_crawl.yaml").write_text("id: bear_crawl\nname: bear crawl\naliases: [crawling bear]\n")
    (folder / "squats.yaml").write_text("{id: squats, name: squats, aliases: [knee bends]}\n")
    assert find("Crawling Bears", tmp_path).id == "bear_crawl"
    assert find("knee bend", tmp_path).canonical == "squats"
    assert find("air squats", tmp_path).id == "squats"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("id: mine\nname: mine\naliases: [squat]\n", "'squat' already names 'squats'"),
        ("id: mine\nname: [a]\n", "id, name or aliases missing or not text"),
        ("id: mine\nname: mine\naliases: left\n", "id, name or aliases missing or not text"),
        ("- 1\n", "not a mapping"),
        ("id: [\n", "is not valid YAML"),
        ("id: !!python/object:os.system {}\nname: x\n", "is not valid YAML: could not determine a constructor"),
        ("id: mine\nname: left\n", "alias 'left' names no exercise"),
    ],
)
def test_bad_user_file(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises" / "mine.yaml").write_text(content)
    with pytest.raises(UserError) as error:
        load_names(tmp_path)
    assert error.value.problem.startswith(problem)
    assert error.value.where is not None and error.value.where.endswith("mine.yaml")
