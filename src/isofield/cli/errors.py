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
    say(
        f"error: isofield failed unexpectedly ({type(error).__name__}: {text[:300]}); "
        "please report it with what ISOFIELD_DEBUG=1 prints for the same command."
    )
    return 1


def show_warnings() -> None:
    """isofield's own warnings become one line each; those of libraries are for their developers and are not shown."""
    package = str(Path(__file__).resolve().parents[1])

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: object = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, UserWarning) and str(Path(filename).resolve()).startswith(package):
            say(f"warning: {message}")

    warnings.simplefilter("always", UserWarning)
    warnings.showwarning = show
