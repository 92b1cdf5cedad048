"""The codes of many shapes, each found by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from isofield.threads import deterministic, parallel_map
from isofield.types import Shape


def codes_of(find: Callable[[Shape], Tensor], shapes: Sequence[Shape]) -> Tensor:
    """The codes (b, ...) of shapes, one by one from `find`; the number of threads does not change them."""
    with deterministic():
        return torch.stack(parallel_map(find, shapes))
