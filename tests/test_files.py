"""Names out of files, and writes that leave a whole file or folder, or none."""

from __future__ import annotations

import os

import pytest

from isofield.errors import InputError, OutputError
from isofield.files import atomic_write, csv_text, inside, safe_id, write_text


@pytest.mark.parametrize("name", ["a", "chairs/001", "..a/b..", "a b.ply"])
def test_ids_stay_as_they_are(name):
    assert safe_id(name) == name


@pytest.mark.parametrize("name", ["", "/a", "..", "a/../b", "a//b", "./a", "a\\b", "a\0b", 7, None])
def test_ids_that_are_paths_are_refused(name):
    with pytest.raises(InputError, match="is not a relative path"):
        safe_id(name)


def test_inside_gives_regular_files_of_the_folder_alone(tmp_path):
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    for path in (folder / "a.bin", folder / "below/b.bin", tmp_path / "c.bin"):
        path.write_bytes(b"x")
    (folder / "link.bin").symlink_to(tmp_path / "c.bin")
    os.mkfifo(folder / "pipe")
    for name in ("a.bin", "below/b.bin", "./a.bin", "below/../a.bin"):
        assert inside(folder, name).read_bytes() == b"x"
    for name in ("../c.bin", str(tmp_path / "c.bin"), "link.bin", "/dev/zero"):
        with pytest.raises(InputError, match="lies outside"):
            inside(folder, name)
    for name in ("below", "pipe", "missing", "a\0b", ""):
        with pytest.raises(InputError, match=r"not a regular file|lies outside"):
            inside(folder, name)


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    target = tmp_path / "data/shape"
    for content in ("one", "two"):
        with atomic_write(target) as beside:
            beside.mkdir()
            (beside / content).write_text(content)
    assert [path.name for path in target.iterdir()] == ["two"]
    with pytest.raises(RuntimeError), atomic_write(target) as beside:
        beside.mkdir()
        raise RuntimeError
    assert [path.name for path in target.parent.rglob("*")] == ["shape", "two"]


def test_what_the_system_refuses_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match=r"cannot be written \(.*\): choose another path\."),
        atomic_write(tmp_path / "file/below"),
    ):
        pass


def test_a_table_as_csv(tmp_path):
    text = csv_text(["id", "value", "note"], [{"id": "a,b", "value": 0.1}, {"note": None, "id": 'say "x"'}])
    assert text == 'id,value,note\n"a,b",0.1,\n"say ""x""",,\n'
    write_text(tmp_path / "new" / "table.csv", text)
    assert (tmp_path / "new" / "table.csv").read_text(encoding="utf-8") == text
