"""Parts that are found by themselves: the modules of a folder of isofield, and the entry points of other packages."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeVar

from isofield.errors import InputError, with_article

Part = TypeVar("Part")


def modules(folder: str) -> tuple[str, ...]:
    """Names of the modules in a folder of isofield ("datasets/layouts"), sorted; nothing is imported."""
    return tuple(sorted(path.stem for path in (Path(__file__).parent / folder).glob("[!_]*.py")))


@cache
def plugins(group: str, kind: type[Part]) -> dict[str, Part]:
    """What other packages declare under a group of entry points, by name.

    Raises InputError for an entry point that cannot be imported, or that is not an instance of `kind`.
    """
    parts: dict[str, Part] = {}
    for point in sorted(entry_points(group=group)):
        try:
            part = point.load()
        except Exception as error:  # whatever another package raises
            raise InputError(
                f"{point.value} ({group}) cannot be loaded ({type(error).__name__}: {error}): update or remove its "
                "package."
            ) from error
        if not isinstance(part, kind):
            raise InputError(
                f"{point.value} ({group}) is not {with_article(kind.__name__)}: update or remove its package."
            )
        parts[point.name] = part
    return parts
