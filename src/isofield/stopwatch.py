"""How long the stages of a piece of work take: seconds, and CPU seconds of all threads.

    with measured() as times:
        with stage("reading"):
            ...
    times.table()

A stage inside another one counts for itself alone, so that the stages add up to the whole. Without `measured` around
it, and on the threads of `threads.parallel_map`, `stage` does nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")
REST = "rest"
"""The stage of what no other stage holds."""


@dataclass
class Times:
    """Seconds and CPU seconds of each stage, by name, in the order in which they began."""

    spent: dict[str, tuple[float, float]] = field(default_factory=dict)
    _open: list[str] = field(default_factory=lambda: [REST])
    _mark: tuple[float, float] = field(default_factory=lambda: _now())

    def enter(self, name: str) -> None:
        """A stage begins."""
        self.charge()
        self._open.append(name)
        self.spent.setdefault(name, (0.0, 0.0))

    def leave(self) -> None:
        """The stage that began last ends."""
        self.charge()
        self._open.pop()

    def charge(self) -> None:
        """The time since the last change goes to the innermost stage."""
        now, before, name = _now(), self._mark, self._open[-1]
        wall, cpu = self.spent.get(name, (0.0, 0.0))
        self.spent[name] = wall + now[0] - before[0], cpu + now[1] - before[1]
        self._mark = now

    @property
    def total(self) -> tuple[float, float]:
        """Seconds and CPU seconds of all stages."""
        wall, cpu = zip(*self.spent.values(), strict=True)
        return sum(wall), sum(cpu)

    def table(self) -> dict[str, dict[str, float]]:
        """For each stage its seconds and CPU seconds, what no stage holds last."""
        names = [*(name for name in self.spent if name != REST), *(name for name in self.spent if name == REST)]
        return {
            name: {"seconds": round(self.spent[name][0], 3), "cpu_seconds": round(self.spent[name][1], 3)}
            for name in names
        }


_TIMES: ContextVar[Times | None] = ContextVar("times", default=None)


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


@contextmanager
def measured() -> Iterator[Times]:
    """Inside, stages are measured; what is given holds their times, and after the block all of them."""
    times = Times()
    token = _TIMES.set(times)
    try:
        yield times
    finally:
        times.charge()
        _TIMES.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """The time inside goes to the stage of this name, but for that of stages inside it."""
    times = _TIMES.get()
    if times is None:
        yield
        return
    times.enter(name)
    try:
        yield
    finally:
        times.leave()


def staged(name: str, items: Iterable[T]) -> Iterator[T]:
    """The same items; the time that each takes to come goes to the stage of this name, that between them does not."""
    coming = iter(items)
    while True:
        with stage(name):
            try:
                item = next(coming)
            except StopIteration:
                return
        yield item
