"""`--help` loads nothing heavy; every command is listed and lives in its module."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from isofield.cli.main import COMMANDS, GROUPS, main

HEAVY = ("torch", "scipy", "trimesh", "skimage", "igl", "manifold3d", "PIL")


def test_no_help_loads_anything_heavy():
    code = (
        "import sys\nfrom importlib import import_module\nfrom isofield.cli.main import COMMANDS, GROUPS, main\n"
        "lines = [[]] + [[command] for command in COMMANDS]\n"
        "lines += [[group, name] for group in GROUPS for name in import_module(f'isofield.cli.{group}').CHOICES]\n"
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


def test_every_command_is_listed_and_lives_in_its_module(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    for command, summary in COMMANDS.items():
        assert f"  {command}" in text and summary in text
        module = import_module(f"isofield.cli.{command}")
        if command not in GROUPS:
            assert callable(getattr(module, command))


@pytest.mark.parametrize("group", GROUPS)
def test_the_choices_of_a_group_are_listed_and_each_has_help(group, capsys):
    choices = import_module(f"isofield.cli.{group}").CHOICES
    assert main([group, "--help"]) == 0
    text = capsys.readouterr().out
    for name in choices:
        assert f"  {name}" in text
        assert main([group, name, "--help"]) == 0
        assert f"usage: isofield {group} {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "METHOD is missing: isofield train METHOD ..., where METHOD is one of "),
        (["train", "--out", "x"], "METHOD is missing"),
        (["train", "liner", "x"], "there is no method 'liner', perhaps you meant 'linear'; choose among "),
    ],
)
def test_a_missing_or_misspelt_choice(arguments, message, capsys):
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
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        _ = isofield.fitt
