"""Work on one shape in a process of its own, which may crash or take too long."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any

THREADS = "IGL_NUM_THREADS"
"""libigl's own threads."""
LOADED = [
    "isofield.datasets.prepare_shape", "trimesh", "manifold3d", "PIL.Image", "PIL.PngImagePlugin", "scipy.ndimage",
    "scipy.optimize",
]  # fmt: skip
"""What the server of processes has loaded before it forks the first: else each shape would load it again, for half a
second."""

_stopped = threading.Event()
"""Set where a run ends early: no shape is judged by that its process was killed."""
_start = threading.Lock()


@contextmanager
def working() -> Iterator[None]:
    """While this holds, `alone` works, each process on one core; what still runs at its end is killed."""
    before = os.environ.get(THREADS)
    os.environ[THREADS] = "1"  # the forked processes inherit it
    _stopped.clear()
    try:
        yield
    finally:
        _stopped.set()
        if before is None:
            del os.environ[THREADS]
        else:
            os.environ[THREADS] = before


def alone(target: Callable[..., None], args: tuple[Any, ...], timeout: float | None) -> int | None:
    """The exit status of a process of its own that calls the target; None where it took longer than `timeout` seconds.

    Raises KeyboardInterrupt where the run has ended.
    """
    process = _process(_deaf, (target, args))
    with _start, _undisturbed():
        main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
        try:  # a script that calls without a guard would begin again in its own child
            process.start()
        finally:
            sys.modules["__main__"] = main
    end = None if timeout is None else time.monotonic() + timeout
    while process.is_alive() and not _stopped.is_set() and (end is None or time.monotonic() < end):
        process.join(0.1 if end is None else max(min(0.1, end - time.monotonic()), 0))
    late = process.is_alive()
    if late:
        process.kill()
        process.join()
    if _stopped.is_set() and process.exitcode != 0:
        raise KeyboardInterrupt
    return None if late and process.exitcode != 0 else process.exitcode  # it may have ended while it was judged late


@contextmanager
def _undisturbed() -> Iterator[None]:
    """What starts here never hears Ctrl-C, from its first moment on: it inherits this thread's blocked signals."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # starting it would unblock them again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _deaf(target: Callable[..., None], args: tuple[Any, ...]) -> None:
    """Ctrl-C reaches all processes of a terminal; the run decides. (Where signals cannot be blocked at the start.)"""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    target(*args)


def _process(target: Callable[..., None], args: tuple[Any, ...]) -> BaseProcess:
    """A process that starts in a hundredth of a second: a server has loaded what it needs, and forks it."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn").Process(target=target, args=args)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    return context.Process(target=target, args=args)
