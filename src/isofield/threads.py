"""Numerical work on several threads whose result does not depend on how many there are.

A library that splits one sum among its threads rounds differently with every number of them. Here the work is cut into
chunks of a size that the caller fixes, each chunk is computed by one thread alone, and the results come back in order.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

SHARDS = 4
"""Parts of a batch, fixed: it decides how sums round, and how many threads or processes can help."""
_WORKERS: list[int] = []
"""Number of lanes while `single_threaded` is in force, the innermost last."""
_LANE = threading.local()
"""Whether a thread is one of the lanes."""


@contextmanager
def single_threaded() -> Iterator[None]:
    """Inside, torch computes every operation on one thread; `parallel_map` uses as many lanes as torch had threads."""
    import torch

    before = torch.get_num_threads()
    _WORKERS.append(workers())
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        _WORKERS.pop()


@cache
def products_are_exact() -> bool:
    """Whether "medium" matrix products of torch keep float32's accuracy on this machine (1e-4 of the largest entry).

    Without bfloat16 matrix units they do and are up to twice as fast on some processors; with them they would not.
    """
    import torch

    generator = torch.Generator().manual_seed(0)
    left, right = torch.randn(512, 256, generator=generator), torch.randn(256, 256, generator=generator)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        product = left @ right
    finally:
        torch.set_float32_matmul_precision(before)
    exact = left.double() @ right.double()
    return bool((product - exact).abs().max() < 1e-4 * exact.abs().max())


@contextmanager
def deterministic() -> Iterator[None]:
    """One torch thread an operation and the fastest matrix products that stay exact; both restored afterwards.

    Inside a lane nothing changes: who started the lanes has set both.
    """
    import torch

    if getattr(_LANE, "busy", False):
        yield
        return

    before = torch.get_float32_matmul_precision()
    with single_threaded():
        torch.set_float32_matmul_precision("medium" if products_are_exact() else before)
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)


def workers() -> int:
    """How many threads may compute at once: torch's own setting, which OMP_NUM_THREADS decides at the start."""
    if _WORKERS:
        return _WORKERS[-1]
    torch = sys.modules.get("torch")  # who has not loaded it needs no wait for it
    asked = torch.get_num_threads() if torch else os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(int(asked) if str(asked).isdigit() else os.cpu_count() or 1, os.cpu_count() or 1))


def parallel_map(function: Callable[[A], B], chunks: Iterable[A]) -> list[B]:
    """function of every chunk, in the order of the chunks, several at a time.

    The result is the same for any number of threads as long as `function` computes on one thread (`single_threaded`).
    Inside of a lane there is one lane.
    """
    items = list(chunks)
    count = 1 if getattr(_LANE, "busy", False) else min(workers(), len(items))
    if count <= 1:
        return [function(item) for item in items]

    def lane(item: A) -> B:
        _LANE.busy = True
        return function(item)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lane, items))


def ranges(count: int, size: int) -> list[slice]:
    """range(count) cut into slices of `size`, the last one shorter."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
