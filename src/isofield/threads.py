"""Numerical work on several threads whose result does not depend on how many there are.

A library that splits one sum among its threads rounds differently with every number of them. Here the work is cut into
chunks of a size that the caller fixes, each chunk is computed by one thread alone, and the results come back in order.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

_WORKERS: list[int] = []
"""Number of lanes while `single_threaded` is in force, the innermost last."""


@contextmanager
def single_threaded() -> Iterator[None]:
    """Inside, torch computes every operation on one thread; `map_lanes` uses as many lanes as torch had threads."""
    import torch

    before = torch.get_num_threads()
    _WORKERS.append(workers())
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        _WORKERS.pop()


def workers() -> int:
    """How many threads may compute at once: torch's own setting, which OMP_NUM_THREADS decides at the start."""
    if _WORKERS:
        return _WORKERS[-1]
    import torch

    return max(1, min(torch.get_num_threads(), os.cpu_count() or 1))


def map_lanes(function: Callable[[A], B], chunks: Iterable[A]) -> list[B]:
    """function of every chunk, in the order of the chunks, several at a time.

    The result is the same for any number of threads as long as `function` computes on one thread (`single_threaded`).
    """
    items = list(chunks)
    count = min(workers(), len(items))
    if count <= 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(function, items))


def ranges(count: int, size: int) -> list[slice]:
    """range(count) cut into slices of `size`, the last one shorter."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
