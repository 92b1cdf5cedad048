"""Ctrl-C: the first lets a run finish with what it has, the second stops it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


def listen() -> None:
    """Let SIGINT interrupt, also where a shell that started this process in the background made it ignore the signal."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def finishing(label: str, begun: bool) -> Iterator[None]:
    """While results are made and written: the first SIGINT only says so, the next raises KeyboardInterrupt.

    begun: there was a first one already, which ended the fit. label: how messages name the input.
    """

    def first(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print(f"\n{label}: fitted; writing the result (Ctrl-C again to stop at once).", file=sys.stderr, flush=True)

    if begun:
        sentence = f"{label}: interrupted; writing the best result so far (Ctrl-C again to stop at once)."
        print(sentence, file=sys.stderr, flush=True)
    if begun or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
