"""The training shapes whose codes a space keeps in its folder."""

from __future__ import annotations

from collections.abc import Sequence

from isofield.types import Shape

MOST = 2**28
"""Most numbers of all their codes."""


def with_kept_codes(shapes: Sequence[Shape], length: int) -> Sequence[Shape]:
    """The first training shapes, as many as have codes of this length in `MOST` numbers, at least one."""
    return shapes[: max(MOST // length, 1)]
