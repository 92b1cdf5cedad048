"""What is wrong on the command line: one sentence each, exit status 2, nothing written. The sentences are snapshots."""

from __future__ import annotations

import numpy as np
import pytest

from isofield.cli.main import main
from isofield.configs.methods import find_method, method_names

FIT, MESH, INFO = "`isofield fit --help`", "`isofield mesh --help`", "`isofield info --help`"
KNOWN = "(possible: .ply .obj .stl .off .glb)"

SENTENCES = {
    "fti": "there is no command 'fti', perhaps you meant 'fit'; `isofield --help` lists the commands.",
    "reticulate": "there is no command 'reticulate'; `isofield --help` lists the commands.",
    "--hlep": "there is no option '--hlep', perhaps you meant '--help'; `isofield --help` lists the commands.",
    "fit a.npy": f"--out is missing; {FIT} lists the options.",
    "fit --help=3": f"--help takes no value; {FIT} lists the options.",
    "fit -o x.ply": f"INPUTS are missing; {FIT} lists the options.",
    "fit a.npy -o": f"--out needs a value; {FIT} lists the options.",
    "fit a.npy -o x.ply --qualty best": (
        f"there is no option '--qualty', perhaps you meant '--quality'; {FIT} lists the options."
    ),
    "fit a.npy -o x.ply --quality bst": (
        "--quality cannot be 'bst', perhaps you meant 'best'; choose among fast, balanced, best."
    ),
    "fit a.npy -o x.ply --method irg": (
        f"there is no method 'irg', perhaps you meant 'igr'; choose among {', '.join(method_names())}."
    ),
    "fit a.npy -o x.ply --method poisson": (f"there is no method 'poisson'; choose among {', '.join(method_names())}."),
    "fit a.npy -o x.ply --method igr --optim.setps 3": (
        f"there is no option '--optim.setps', perhaps you meant '--optim.steps'; {FIT} lists the options."
    ),
    "fit a.npy -o x.ply --method igr --optim.stepz 3": (
        f"there is no option '--optim.stepz', perhaps you meant '--optim.steps'; {FIT} lists the options."
    ),
    "fit a.npy -o x.ply --method igr --optim.steps many": (
        f"--optim.steps cannot be 'many'; {FIT} lists the options and their values."
    ),
    "fit a.npy -o x.ply --method igr --optim.steps 0": "--optim.steps 0 is out of range: give at least 1.",
    "fit a.npy -o x.ply --config igr-papr": (
        "there are no settings 'igr-papr', perhaps you meant 'igr-paper': give "
        f"{', '.join(preset for name in method_names() for preset in find_method(name).presets)}, "
        "or a .yaml or .json file."
    ),
    "fit a.npy -o x.ply --config none.yaml": "there is no file none.yaml: check the spelling.",
    "fit a.npy -o x.ply --method igr --config igr-paper --init paper": (
        "--config has all settings: leave --init and --network out."
    ),
    "fit a.npy -o x.ply --init paper": (
        "init 'paper' is for methods that learn a network, and 'auto' does not: leave it out."
    ),
    "fit a.npy -o x.ply --noise 2": (
        "noise 2 is out of range: give a fraction of the bounding box's diagonal from 0 to 0.1 (0.002 is 0.2 %)."
    ),
    "fit a.npy -o x.ply --noise loud": (
        "noise cannot be 'loud': give auto, or a fraction of the diagonal such as 0.002."
    ),
    "fit a.npy -o x.ply --noise nan": (
        "noise nan is out of range: give a fraction of the bounding box's diagonal from 0 to 0.1 (0.002 is 0.2 %)."
    ),
    "fit a.npy -o x.ply --resolution 4": (
        "resolution 4 is not possible: give a whole number of cells along the longest side, 8 to 1024."
    ),
    "fit a.npy -o x.ply --resolution fine": (
        f"--resolution cannot be 'fine'; {FIT} lists the options and their values."
    ),
    "fit a.npy -o x.ply --seed -1": "seed -1 is out of range: give a whole number from 0 to 4294967295.",
    "fit a.npy -o x.plt": f"x.plt has the extension .plt, which isofield cannot write: perhaps you meant .ply {KNOWN}.",
    "fit a.npy -o x.blend": (
        "x.blend has the extension .blend, which isofield cannot write: use one of .ply .obj .stl .off .glb."
    ),
    "fit a.npy -o x.ply --preview p.jpg": (
        "p.jpg has the extension .jpg, which isofield cannot write: perhaps you meant .png (possible: .png .gif .mp4)."
    ),
    "fit a.npy -o folder.ply": "folder.ply is a folder: name a file in it.",
    "fit a.npy -o a.npy/x.ply": (
        "a.npy/x.ply cannot be written because HERE/a.npy is a file, not a folder: choose another folder."
    ),
    "fit a.npy -o x.ply --field a.npy": (
        "a.npy/config.json cannot be written because HERE/a.npy is a file, not a folder: choose another folder."
    ),
    "fit a.npy -o out/ --field f": (
        "out/ is a field folder already: leave --field out, or let --out name the mesh (mesh.ply)."
    ),
    "fit a.ply -o a.ply": "a.ply is the input itself: give --out another name.",
    "fit a.npy b.npy -o x.ply": (
        "x.ply is one file, but there are 2 inputs: let --out name a folder, or --merge the scans of one shape."
    ),
    "fit a.npy b.npy -o out --preview p.png": (
        "--preview pictures one input, but there are 2: fit them one by one for it."
    ),
    "fit a.npy a.ply -o out": "a.npy and a.ply would both be called a: rename one.",
    "mesh a.npy -o x.ply": (
        "a.npy is neither a field nor a space (it has no config.json): give the folder of a field, which "
        "`isofield fit --field` writes."
    ),
    "mesh a.npy -o x": "x has no extension: end its name in one of .ply .obj .stl .off .glb.",
    "mesh a.npy b.npy -o x.ply": f"'b.npy' is one argument too many; {MESH} lists the options.",
    "mesh -o x.ply": f"FIELD is missing; {MESH} lists the options.",
    "info": f"FILES are missing; {INFO} lists the options.",
    "info a.npy --jsn": f"there is no option '--jsn', perhaps you meant '--json'; {INFO} lists the options.",
    "fit a.npy -o x.ply --optim.steps 3": (
        f"'--optim.steps' is a setting of a learned method: name one with --method; {FIT} lists the options."
    ),
    "fit a.npy -o x.ply --gridsize 3": f"there is no option '--gridsize'; {FIT} lists the options.",
    "info newer": "newer has format 99, newer than the 1 that this isofield reads: upgrade isofield.",
    "mesh newer -o x.ply": "newer has format 99, newer than the 1 that this isofield reads: upgrade isofield.",
    "evaluate newer a.npy": (
        "newer is a field folder, not a mesh or point cloud: make its mesh: isofield mesh newer -o mesh.ply."
    ),
    "info folder": "folder is a folder, not a file: name a file in it.",
    "demo --out a.npy": (
        "a.npy/mesh.ply cannot be written because HERE/a.npy is a file, not a folder: choose another folder."
    ),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with an input and things that stand in the way."""
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", np.random.default_rng(0).normal(size=(200, 3)))
    np.save("b.npy", np.random.default_rng(1).normal(size=(200, 3)))
    (tmp_path / "a.ply").write_text("not looked at")
    (tmp_path / "folder.ply").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "newer").mkdir()
    (tmp_path / "newer" / "config.json").write_text('{"format": 99}')
    (tmp_path / "newer" / "field.safetensors").write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize("line", SENTENCES, ids=str)
def test_one_sentence(line, here, capsys):
    before = sorted(here.rglob("*"))
    assert main(line.split()) == 2
    captured = capsys.readouterr()
    assert captured.err == f"error: {SENTENCES[line].replace('HERE', str(here))}\n"
    assert captured.out == ""
    assert sorted(here.rglob("*")) == before


def test_a_defect_asks_for_a_report_and_hides_the_traceback(here, capsys, monkeypatch):
    import isofield.io

    def defective(path):
        raise ZeroDivisionError("float division by zero")

    monkeypatch.setattr(isofield.io, "read", defective)
    assert main(["info", "a.npy"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: isofield failed unexpectedly (ZeroDivisionError: float division by zero); please ")
    assert error.count("\n") == 1
    monkeypatch.setenv("ISOFIELD_DEBUG", "1")
    assert main(["info", "a.npy"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_memory_and_interruption_have_their_sentences(here, capsys, monkeypatch):
    import isofield.io

    def stop(problem):
        def read(path):
            raise problem

        return read

    monkeypatch.setattr(isofield.io, "read", stop(MemoryError()))
    assert main(["info", "a.npy"]) == 1
    assert "memory ran out" in capsys.readouterr().err
    monkeypatch.setattr(isofield.io, "read", stop(KeyboardInterrupt()))
    assert main(["info", "a.npy"]) == 130
    assert capsys.readouterr().err == "interrupted: nothing more was written.\n"
