"""What goes wrong, as one sentence on standard error and an exit status."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

from isofield.errors import InputError


def say(sentence: str) -> None:
    """One line on standard error."""
    print(sentence, file=sys.stderr, flush=True)


def tell(error: Exception) -> int:
    """Say what went wrong and return the exit status: 2 for what the caller can correct, 1 for the rest.

    The traceback comes only where ISOFIELD_DEBUG asks for it.
    """
    if os.environ.get("ISOFIELD_DEBUG", "0") not in ("", "0"):
        import traceback

        traceback.print_exception(error)
    if isinstance(error, InputError):
        say(f"error: {error}")
        return 2
    text = " ".join(str(error).split())
    # torch raises errors of its own where memory runs out, on the CPU as on the GPU.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "not enough memory" in text:
        say("error: memory ran out; try --quality fast, a lower --resolution, or fewer points.")
        return 1
    what = f"failed unexpectedly ({type(error).__name__}: {text[:300]})"
    package = _package_of(error)
    if package is None:
        say(f"error: isofield {what}; please report it with what ISOFIELD_DEBUG=1 prints for the same command.")
    else:
        say(f"error: the package {package} {what}; ISOFIELD_DEBUG=1 prints where.")
    return 1


def _package_of(error: Exception) -> str | None:
    """The package whose method, layout or metric an error passed through, if it is not of isofield."""
    from importlib.metadata import entry_points
    from traceback import walk_tb

    groups = ("fields", "layouts", "methods", "metrics", "spaces")
    points = [point for group in groups for point in entry_points(group=f"isofield.{group}")]
    declared = {point.value.partition(":")[0].split(".")[0] for point in points}
    passed = [frame.f_globals.get("__name__", "").split(".")[0] for frame, _ in walk_tb(error.__traceback__)]
    return next((name for name in reversed(passed) if name in declared - {"isofield"}), None)


def show_warnings() -> None:
    """isofield's own warnings become one line each, the same one once; those of libraries are for their developers and
    are not shown."""
    package, said = str(Path(__file__).resolve().parents[1]), set[str]()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: object = None,
        line: str | None = None,
    ) -> None:
        own = issubclass(category, UserWarning) and str(Path(filename).resolve()).startswith(package)
        if own and str(message) not in said:
            said.add(str(message))
            say(f"warning: {message}")

    warnings.simplefilter("always", UserWarning)
    warnings.showwarning = show
