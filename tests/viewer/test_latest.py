"""Only the newest state of a control counts."""

from __future__ import annotations

import threading

from isofield.viewer.latest import Latest


def test_changes_while_it_works_are_one_and_the_final_result_comes_at_rest():
    done, busy, go = [], threading.Event(), threading.Event()
    value = [0]

    def work(rough: bool) -> None:
        done.append((value[0], rough))
        busy.set()
        assert go.wait(10)

    latest = Latest(work, rest=0.05)
    latest.ask()
    assert busy.wait(10)
    for number in range(1, 6):
        value[0] = number
        latest.ask()
    go.set()
    assert latest.wait(10)
    latest.stop()
    assert done == [(0, True), (5, True), (5, False)]
