"""Work that follows a control while it moves: only the newest state counts."""

from __future__ import annotations

import threading
from collections.abc import Callable

REST = 0.35
"""Seconds without a change after which a control is at rest."""
PATIENCE = 5.0
"""Seconds to wait for the end of the work."""


class Latest:
    """A thread that calls `work(True)`, a rough result, after a change, and `work(False)`, the final one, once nothing
    has changed for `rest` seconds. Changes that come while it works are one change."""

    def __init__(self, work: Callable[[bool], None], rest: float = REST) -> None:
        self._work, self._rest = work, rest
        self._changed, self._stopped, self._idle = threading.Event(), threading.Event(), threading.Event()
        self._idle.set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="isofield viewer", daemon=True)
        self._thread.start()

    def ask(self) -> None:
        """Something changed."""
        with self._lock:
            self._idle.clear()
            self._changed.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the final result, at most this many seconds; whether it is finished."""
        return self._idle.wait(seconds)

    def stop(self) -> None:
        """End the thread after the call that it is in, and wait for that, but not longer than `PATIENCE`."""
        self._stopped.set()
        self._changed.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(PATIENCE)

    def _run(self) -> None:
        while True:
            self._changed.wait()
            if self._stopped.is_set():
                return
            self._changed.clear()
            self._work(True)
            if not self._changed.wait(self._rest):
                self._work(False)
                with self._lock:
                    if not self._changed.is_set():
                        self._idle.set()
