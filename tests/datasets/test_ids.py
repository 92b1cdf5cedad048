"""An id in a manifest is a name, never a path that leads out of a folder."""

import json
import os
from pathlib import Path

import pytest
import trimesh

from isofield.cli.main import main
from isofield.datasets import Prepared, Record
from isofield.errors import InputError

EVIL = ["../../outside/x", "/tmp/outside/x", "a/../../x", "..", ".", "", "a\\..\\x", "a\0b"]


@pytest.mark.parametrize("id_", EVIL)
def test_no_record_has_an_id_that_is_a_path(id_):
    with pytest.raises(InputError, match="relative path"):
        Record(id_, "", "", "accept", "")


def test_a_name_in_another_encoding_is_a_sentence(tmp_path, capsys):
    shape = trimesh.creation.box().export(file_type="ply")
    for name in (b"St\xfchle.ply", b"Tisch.ply"):
        (tmp_path / os.fsdecode(name)).write_bytes(shape)
    assert main(["split", str(tmp_path), "-o", str(tmp_path / "split.json")]) == 2
    assert "St\\udcfchle has a name that is not UTF-8, as old archives have them: rename" in capsys.readouterr().err


@pytest.mark.parametrize("id_", ["a", "02691156/1a04e3", "a b/c.ply", "..a/b..", "ä/…"])
def test_names_stay_as_they_are(id_):
    assert Record(id_, "", "", "accept", "").id == id_


@pytest.fixture
def prepared(tmp_path):
    """A prepared data set whose manifest was edited to name a file outside."""
    (tmp_path / "in").mkdir()
    trimesh.creation.box().export(tmp_path / "in/a.ply")
    out = tmp_path / "far/below/data"
    assert main(["prepare", str(tmp_path / "in"), str(out), "--count", "200", "--no-progress"]) == 0
    table = json.loads((out / "manifest.json").read_text())
    table["shapes"][0]["id"] = "../../outside/x"
    (out / "manifest.json").write_text(json.dumps(table))
    return out


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def test_infer_writes_nothing_outside_of_its_folder(prepared, toy_run, tmp_path, capsys):
    before = files(tmp_path)
    with pytest.raises(InputError, match=r"manifest.json is damaged .*rename the shape"):
        Prepared(prepared)
    assert main(["infer", str(toy_run), str(prepared), "-o", str(tmp_path / "out")]) == 2
    assert "'../../outside/x'" in capsys.readouterr().err
    assert files(tmp_path) == before


def test_prepare_does_not_go_on_from_an_evil_record(prepared, tmp_path):
    """The record beside the samples is not believed either: the shape is prepared again."""
    record = prepared / "shapes/a/record.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"id": "../../outside/x"}))
    before = files(tmp_path)
    assert main(["prepare", str(tmp_path / "in"), str(prepared), "--count", "200", "--no-progress"]) == 0
    assert json.loads((prepared / "manifest.json").read_text())["shapes"][0]["id"] == "a"
    assert files(tmp_path) == before
