"""What a method tells while it fits one shape."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Progress:
    """One step of a fit: what is being done, the share that is done (0 to 1), and the best field so far, if any.

    noise: the points' standard deviation off the surface, in their units, once the method knows it.
    """

    stage: str
    fraction: float
    field: nn.Module | None
    noise: float | None = None
