"""Numerical work on several threads with results that do not depend on their number.

A library that splits a sum among its threads rounds differently for every number of threads. Here the caller cuts the
work into chunks of a fixed size, one thread computes each chunk, and the results are returned in order.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

A = TypeVar("A")
B = TypeVar("B")

SHARDS = 4
"""Parts of a batch. Fixed, since it determines the rounding of sums; also the most threads or processes that help."""
_WORKERS: list[int] = []
"""Number of worker threads in each active `single_threaded`, the innermost last."""
_WORKER = threading.local()
"""Marks the worker threads of `parallel_map`."""


@contextmanager
def single_threaded() -> Iterator[None]:
    """Inside, torch and BLAS use one thread per operation, and `parallel_map` as many workers as torch had threads."""
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 1
    _WORKERS.append(workers())
    if torch:
        torch.set_num_threads(1)
    try:
        with _blas().limit(limits=1):
            yield
    finally:
        if torch:
            torch.set_num_threads(before)
        _WORKERS.pop()


@cache
def _blas() -> ThreadpoolController:
    """The libraries behind NumPy's products of matrices."""
    import numpy  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


@cache
def products_are_exact() -> bool:
    """Whether "medium" matrix products of torch have float32 accuracy on this machine (1e-4 of the largest entry).

    They do on processors without bfloat16 matrix units, and are up to twice as fast on some of these.
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

    if getattr(_WORKER, "busy", False):
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
    """Number of threads that may compute at once: the setting of torch, initially OMP_NUM_THREADS."""
    if _WORKERS:
        return _WORKERS[-1]
    torch = sys.modules.get("torch")  # do not import torch only to read its thread count
    setting = torch.get_num_threads() if torch else os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(int(setting) if str(setting).isdigit() else os.cpu_count() or 1, os.cpu_count() or 1))


def parallel_map(function: Callable[[A], B], chunks: Iterable[A]) -> list[B]:
    """The results of `function` for all chunks, in their order, computed by several threads.

    They do not depend on the number of threads if `function` computes on one thread (`single_threaded`). A nested call
    runs on its own thread.
    """
    items = list(chunks)
    count = workers()
    if getattr(_WORKER, "busy", False) or min(count, len(items)) <= 1:
        return [function(item) for item in items]
    futures = [_pool(os.getpid(), count).submit(function, item) for item in items]
    try:
        return [future.result() for future in futures]
    except BaseException:  # after an error or Ctrl-C nothing computes on
        for future in futures:
            future.cancel()
        wait(futures)
        raise


@cache
def _pool(process: int, count: int) -> ThreadPoolExecutor:
    """The threads of `parallel_map`. They stay, since a thread takes longer to start than many a chunk to compute.

    process: whose threads they are; a forked child has none of its parent's.
    """
    return ThreadPoolExecutor(count, initializer=setattr, initargs=(_WORKER, "busy", True))


def ranges(count: int, size: int) -> list[slice]:
    """Slices of `size` that cover range(count); the last one may be shorter."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
