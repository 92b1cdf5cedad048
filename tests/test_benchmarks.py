"""The scripts of benchmarks/ import what they use, and describe themselves."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def test_every_script_has_help():
    scripts = sorted(path.stem for path in BENCHMARKS.glob("*.py") if "argparse.ArgumentParser(" in path.read_text())
    code = (
        "import contextlib, importlib, io, sys\n"
        f"for name in {scripts}:\n"
        "    sys.argv, out = [name, '--help'], io.StringIO()\n"
        "    try:\n"
        "        with contextlib.redirect_stdout(out):\n"
        "            importlib.import_module(name).main()\n"
        "    except SystemExit as end:\n"
        "        assert not end.code and out.getvalue().startswith(f'usage: {name}'), name\n"
        "    else:\n"
        "        raise AssertionError(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=BENCHMARKS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(scripts) >= 20


def test_settings_of_the_digits_fit_their_methods(monkeypatch):
    """Each that is tried, and each for the row of the zero set; at least eight for every method."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    digits = importlib.import_module("digits")
    for method, tried in digits.SETTINGS.items():
        assert len(tried) >= 8
        for table in tried.values():
            config = digits.settings(method, table)
            boundary = digits.from_boundary(config)
            assert "surface" in str(boundary) and boundary.training == config.training


def test_settings_of_the_baselines_in_space_fit_their_methods(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    encoders = importlib.import_module("encoders")
    for method, tried in encoders.SETTINGS.items():
        configs = [encoders.settings(method, table) for table in tried.values()]
        assert len(set(configs)) == len(configs) >= 8
        assert all(config.tasks.context == 512 and config.tasks.inside for config in configs)
