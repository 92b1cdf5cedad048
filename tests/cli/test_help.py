"""`--help` loads nothing heavy; every command is listed and lives in its module."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
import trimesh

from isofield.cli.main import COMMANDS, main
from isofield.configs.methods import METHODS, SPACES, method_names

HEAVY = ("torch", "scipy", "trimesh", "skimage", "igl", "manifold3d", "PIL")


def test_no_help_loads_anything_heavy():
    code = (
        "import sys\nfrom isofield.cli.main import COMMANDS, main\n"
        "lines = [[]] + [[command] for command in COMMANDS]\n"
        f"lines += [['fit', '--method', name] for name in {method_names(METHODS)}]\n"
        f"lines += [['train', name] for name in {method_names(SPACES)}]\n"
        "for line in lines:\n"
        "    assert main([*line, '--help']) == 0, line\n"
        f"    heavy = sorted(set({HEAVY}) & set(sys.modules))\n"
        "    assert not heavy, f'{line} loads {heavy}'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("usage: isofield") > len(COMMANDS)


def test_importing_the_package_loads_nothing_heavy():
    code = f"import sys, isofield; isofield.__version__; print(sorted(set({HEAVY} + ('numpy',)) & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize("input", ["points.npy", "mesh.ply"])
def test_the_fit_of_points_or_a_mesh_its_folder_and_its_mesh_need_no_torch(tmp_path, input):
    ball = trimesh.creation.icosphere(3)
    np.save(tmp_path / "points.npy", ball.vertices)
    ball.export(tmp_path / "mesh.ply")
    code = "import sys\nfrom isofield.cli.main import main\nprint(main(sys.argv[1:]), 'torch' in sys.modules)"
    fit = ["fit", str(tmp_path / input), "-o", str(tmp_path / "ball"), "--quality", "fast", "--no-progress"]
    for line in (fit, ["mesh", str(tmp_path / "ball"), "-o", str(tmp_path / "fine.ply"), "--resolution", "32"]):
        done = subprocess.run([sys.executable, "-c", code, *line], capture_output=True, text=True)
        assert done.stdout.split()[-2:] == ["0", "False"], done.stderr
    assert (tmp_path / "ball/mesh.ply").exists() and (tmp_path / "fine.ply").exists()


def test_help_of_a_command_is_found_in_both_ways(capsys):
    assert main(["help", "info"]) == 0
    first = capsys.readouterr().out
    assert main(["info", "--help"]) == 0
    assert capsys.readouterr().out == first


def test_every_command_is_listed_and_lives_in_its_module(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    for command, summary in COMMANDS.items():
        assert f"  {command}" in text and summary in text
        assert callable(getattr(import_module(f"isofield.cli.{command}"), command))


def test_the_methods_of_train_are_listed_and_each_has_help(capsys):
    assert main(["train", "--help"]) == 0
    text = capsys.readouterr().out
    assert "which takes hours to days on a GPU" in text
    for name in method_names(SPACES):
        assert f"  {name}" in text
        assert main(["train", name, "--help"]) == 0
        assert f"usage: isofield train {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "METHOD is missing: isofield train METHOD DATA -o RUN, where METHOD is one of "),
        (["train", "--out", "x"], "METHOD is missing"),
        (["train", "liner", "x"], "there is no method 'liner', perhaps you meant 'linear'; choose among "),
    ],
)
def test_a_missing_or_misspelt_method(arguments, message, capsys):
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_version(capsys):
    import isofield

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"isofield {isofield.__version__}\n"


def test_public_names_resolve():
    import isofield

    for name in set(isofield.__all__) - {"__version__"}:
        assert getattr(isofield, name).__name__ == name
    assert set(isofield.__all__) <= set(dir(isofield))
    with pytest.raises(AttributeError, match="isofield attribute fitt"):
        _ = isofield.fitt
