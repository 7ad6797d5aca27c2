"""Files that people write: what is not YAML or JSON, or says a key twice, is refused with its place."""

from pathlib import Path

import pytest

from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import read_json, read_yaml


def test_a_key_given_twice_is_refused_in_both(tmp_path: Path) -> None:
    yaml, js = tmp_path / "a.yaml", tmp_path / "a.json"
    yaml.write_text("a: 1\nb: {c: 1, c: 2}\n")
    js.write_text('{"a": 1, "b": {"c": 1, "c": 2}}')
    for read, path in ((read_yaml, yaml), (read_json, js)):
        with pytest.raises(UserError, match="key 'c' is given twice") as error:
            read(path)
        assert str(path) in str(error.value)


def test_what_cannot_be_read_is_one_clear_error(tmp_path: Path) -> None:
    cases = {
        "a.yaml": b"a: [1",
        "b.yaml": b"? [1, 2]\n: 3",
        "c.yaml": b"\xff\xfe\x00",
        "d.json": b'{"a": NaN}',
        "e.json": b"{",
    }
    for name, content in cases.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"valid|UTF-8"):
            (read_yaml if path.suffix == ".yaml" else read_json)(path)
    with pytest.raises(UserError, match="no such file"):
        read_yaml(tmp_path / "none.yaml")


def test_nothing_is_constructed_but_plain_values(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("a: !!python/object/apply:os.system ['true']")
    with pytest.raises(UserError, match="not valid YAML"):
        read_yaml(path)
