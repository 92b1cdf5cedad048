"""Modules are loaded without collections of garbage."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Inside, no garbage is collected, and what is made there is never looked at later.

    SciPy and trimesh, and torch where a method needs it, make up to half a million objects that live to the end. To
    look for cycles among them while they are loaded takes up to a third of a second.
    """
    if "trimesh" in sys.modules:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
