"""Processes that work on one shape at a time, so that a crash or a timeout costs that shape alone (Pebble)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, TimeoutError, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Protocol, TypeVar

from joblib.externals.loky.backend.context import get_context
from pebble import CONSTS, ProcessExpired, ProcessPool

THREADS = ("IGL_NUM_THREADS", "OMP_NUM_THREADS")
"""Environment variables with the number of threads of libigl, and of torch."""
TASKS = 200
"""Shapes per process, after which another one takes its place: libraries may leak memory."""
KILL_AFTER = 0.3
"""Seconds from the signal to end to the one that kills: native code hears the second one only."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Failure:
    """Why there is no result: the process crashed, or took too long."""

    reason: str


class Run(Protocol):
    """A pool that runs a function on items."""

    def __call__(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result | Failure]]:
        """Calls the function with every item, each call in a process; yields (item, result) in any order. Raises what
        the function raises."""
        ...


@contextmanager
def isolated(workers: int, timeout: float | None) -> Iterator[Run]:
    """A pool of processes, each on one core; those that still run at its end, or on Ctrl-C, are killed.

    timeout: seconds for one call. The script that calls needs no guard (`if __name__ == "__main__"`): loky's processes
    do not import it again.
    """
    CONSTS.term_timeout = KILL_AFTER
    pool = ProcessPool(workers, max_tasks=TASKS, context=get_context("loky"))

    def run(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[tuple[Item, Result | Failure]]:
        with _no_interrupts():  # the threads that start processes keep this
            futures: dict[Future[Result], Item] = {
                pool.schedule(function, args=(item,), timeout=timeout): item for item in items
            }
        for future in as_completed(futures):
            try:
                result: Result | Failure = future.result()
            except TimeoutError:
                result = Failure(f"took longer than {timeout:g} seconds")
            except ProcessExpired as error:
                result = Failure(f"crashed its process (exit status {error.exitcode})")
            yield futures[future], result

    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield run
    finally:
        pool.stop()
        pool.join()
        for name, value in before.items():
            del os.environ[name]
            if value is not None:
                os.environ[name] = value


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """What starts here never receives Ctrl-C, from its first moment on: it inherits the blocked signals."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # starting it later would unblock them
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
