"""The scripts of benchmarks/ import what they use, and describe themselves."""

from __future__ import annotations

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
