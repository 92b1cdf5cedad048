"""Run notebooks from their first cell to the last, and keep what the cells print and show.

    .venv/bin/python tools/notebooks.py examples/notebooks/01_from_scan_to_mesh.ipynb ...

In a folder of its own for the files that a notebook writes. An error in a cell ends it, and nothing is stored.
"""

import json
import os
import sys
import tempfile
from base64 import b64encode
from pathlib import Path

from IPython.core.displayhook import DisplayHook
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

KINDS = ("text/html", "image/png", "text/plain")
"""The kinds of what is shown, the best first: one of them and the text are stored."""


class Silent(DisplayHook):
    """Keeps what a cell ends with, and prints nothing."""

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict, md_dict=None) -> None:
        pass

    def finish_displayhook(self) -> None:
        pass


def main() -> None:
    """Run and store every notebook that is named."""
    for path in [Path(name).resolve() for name in sys.argv[1:]]:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            run(notebook, path.name)
            os.chdir(path.parent)
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def run(notebook: dict, name: str) -> None:
    """Run the cells of a notebook in a new shell, and put their outputs in place of the old ones."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(displayhook_class=Silent)
    number = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        number += 1
        with capture_output() as said:
            result = shell.run_cell("".join(cell["source"]), store_history=True)
        if not result.success:
            sys.exit(f"{name}, cell {number}: {result.error_in_exec or result.error_before_exec!r}\n{said.stdout}")
        cell["execution_count"] = number
        cell["outputs"] = []
        if said.stdout:
            lines = said.stdout.splitlines(keepends=True)
            cell["outputs"].append({"output_type": "stream", "name": "stdout", "text": lines})
        if result.result is not None:
            shown, _ = shell.display_formatter.format(result.result)
            best = next(kind for kind in KINDS if kind in shown)
            data = {kind: text_of(shown[kind]) for kind in dict.fromkeys([best, "text/plain"])}
            cell["outputs"].append(
                {"output_type": "execute_result", "execution_count": number, "metadata": {}, "data": data}
            )


def text_of(shown: str | bytes) -> str:
    """What is shown as JSON can hold it: pictures in base64."""
    return b64encode(shown).decode() if isinstance(shown, bytes) else shown


if __name__ == "__main__":
    main()
