"""`isofield COMMAND ...`: finds the command, parses its options, and turns what goes wrong into one sentence.

A new command is one file in this folder with a typed function of its name, and one line in `COMMANDS`.
Exit status: what the command returns; 2 for what the caller can correct, 130 after Ctrl-C, 1 for a
defect of isofield.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module

from isofield.cli.errors import say, show_warnings, tell
from isofield.cli.progress import listen
from isofield.errors import InputError, did_you_mean

COMMANDS = {
    "fit": "scan, cloud, soup or mesh in; watertight mesh and field out",
    "mesh": "extract the surface of a field again, at any resolution and level",
    "query": "distances, normals and projections of points in a file",
    "export": "a field for other programs: ONNX, a sampled grid, .3mf",
    "info": "what a file or a field folder is, in a few lines",
    "evaluate": "how far a result is from its truth",
    "report": "a page for a browser about runs, data, results and scores",
    "benchmark": "spaces of several methods on the same data, in one table",
    "make": "closed shapes of a built-in family, with their parameters",
    "prepare": "many shapes into training samples",
    "split": "a seeded split of many shapes, by class",
    "train": "a space of shapes from training samples",
    "plot": "the curves of a training as a picture",
    "infer": "unseen shapes in a space: codes, fields, meshes",
    "complete": "a whole shape from a part of it",
    "interpolate": "shapes between two others: meshes and an animation",
    "sample": "new shapes from a space",
    "view": "a mesh, a cloud, a field or a space, in the browser",
    "fetch": "public shapes and samples, and where to request others",
    "demo": "fit a scan that the package makes, end to end, with pictures",
}
"""Every command and what it does; each lives in the module of its name beside this one."""
CONFIGURED = ("fit", "train")
"""Commands with the settings of a method among their options: they parse their own arguments."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (default: the process's own) and return its exit status; nothing but a defect raises."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    atexit.register(gc.freeze)  # the end of the process looks for no cycles: that takes half a second with torch
    listen()
    with warnings.catch_warnings():
        show_warnings()
        try:
            return _dispatch(arguments)
        except SystemExit as end:  # after --help
            return end.code if isinstance(end.code, int) else int(bool(end.code))
        except KeyboardInterrupt as interrupt:
            say(str(interrupt) or "interrupted: nothing more was written.")
            return 130
        except BrokenPipeError:
            # The reader of a pipe went away (`isofield info ... | head`). Without another target for what is still
            # buffered, Python would complain at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        except Exception as error:
            return tell(error)


def _dispatch(arguments: list[str]) -> int:
    """Find the command and run it."""
    first = arguments[0] if arguments else "--help"
    if first == "help" and arguments[1:]:
        return _dispatch([arguments[1], "--help"])
    if first in ("-h", "--help", "help"):
        print(overview())
        return 0
    if first in ("-V", "--version"):
        from isofield import __version__

        print(f"isofield {__version__}")
        return 0
    if first not in COMMANDS:
        what = "option" if first.startswith("-") else "command"
        near = did_you_mean(first, [*COMMANDS, "--help", "--version"])
        raise InputError(f"there is no {what} '{first}'{near}; `isofield --help` lists the commands.")

    from isofield.cli.parsing import call

    module = import_module(f"isofield.cli.{first}")
    command = getattr(module, first)
    if first not in CONFIGURED:
        return call(command, f"isofield {first}", arguments[1:])
    return command(arguments[1:])


def overview() -> str:
    """What `isofield --help` prints."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {summary}" for name, summary in COMMANDS.items()]
    return "\n".join(
        [
            "usage: isofield COMMAND ...",
            "",
            "Watertight meshes and signed distance fields out of messy 3D data.",
            "",
            *lines,
            "",
            "`isofield COMMAND --help` lists the options of a command. To begin: isofield fit scan.ply -o mesh.ply",
        ]
    )
