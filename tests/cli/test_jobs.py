"""Which files a run writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from isofield.cli.fit import plan
from isofield.errors import InputError


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_one_input_to_a_mesh():
    (job,) = plan([Path("scan.xyz")], "new/out.obj", Path("field"), Path("p/a.png"))
    assert (job.mesh, job.field, job.preview) == (Path("new/out.obj"), Path("field"), Path("p/a.png"))
    assert not Path("new").exists()


@pytest.mark.parametrize("out", ["statue", "statue/", "v1.2/", "there.v2"])
def test_one_input_to_a_field_folder(out):
    Path("there.v2").mkdir()
    (job,) = plan([Path("scan.xyz")], out, None, None)
    assert job.field == Path(out)
    assert job.mesh == Path(out) / "mesh.ply"


def test_several_inputs_keep_their_names():
    inputs = [Path("scans/a.ply"), Path("/elsewhere/b.obj"), Path("scans/b/c.d.xyz")]
    jobs = plan(inputs, "out", Path("fields"), None)
    assert [job.mesh.as_posix() for job in jobs] == ["out/a.ply", "out/b.ply", "out/c.d.ply"]
    assert [job.field.as_posix() for job in jobs] == ["fields/a", "fields/b", "fields/c.d"]
    assert [job.label for job in jobs] == ["a.ply", "b.obj", "c.d.xyz"]


def test_inputs_with_equal_names_keep_their_paths():
    """Also those whose names alone, or with one folder, are different: results are matched with truths by path."""
    inputs = [Path(f"scans/{name}.ply") for name in ("a/run/0", "a/walk/0", "b/run/0", "b/run/1")]
    jobs = plan(inputs, "out", None, None)
    assert [job.mesh.as_posix() for job in jobs] == [
        "out/a/run/0.ply", "out/a/walk/0.ply", "out/b/run/0.ply", "out/b/run/1.ply",
    ]  # fmt: skip
    jobs = plan(inputs[:2], "out", None, None)
    assert [job.mesh.as_posix() for job in jobs] == ["out/run/0.ply", "out/walk/0.ply"]


def test_no_output_overwrites_an_input():
    Path("scans").mkdir()
    for name in ("a", "b"):
        Path(f"scans/{name}.ply").write_text("")
    with pytest.raises(InputError, match=r"scans/a\.ply is the input itself"):
        plan([Path("scans/a.ply"), Path("scans/b.ply")], "scans", None, None)


def test_the_same_input_twice_is_an_error():
    with pytest.raises(InputError, match="would both be called a"):
        plan([Path("a.ply"), Path("./a.ply")], "out", None, None)
