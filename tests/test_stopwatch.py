import threading

import numpy as np
import pytest

from isofield.stopwatch import REST, measured, stage, staged


def work(count: int) -> None:
    total = 0.0
    for _ in range(count):
        total += float(np.sum(np.sqrt(np.arange(20_000.0))))


def test_a_stage_inside_another_counts_for_itself_alone():
    with measured() as times:
        with stage("outer"):
            work(30)
            with stage("inner"):
                work(300)
        with stage("outer"):
            work(30)
    table = times.table()
    assert list(table) == ["outer", "inner", REST]
    assert 0 < table["outer"]["cpu_seconds"] < table["inner"]["cpu_seconds"]


def test_stages_add_up_to_the_whole():
    with measured() as whole, stage("all"), measured() as times:
        work(1000)  # far longer than the stopwatch itself takes
        with stage("some"):
            work(1000)
    assert sum(cpu for _, cpu in times.spent.values()) == pytest.approx(whole.spent["all"][1], rel=0.02)
    assert times.total[1] == pytest.approx(sum(cpu for _, cpu in times.spent.values()))


def test_a_stage_ends_with_an_error():
    with measured() as times:
        with pytest.raises(ValueError), stage("failing"):
            raise ValueError
        work(20)
    assert times.table()[REST]["cpu_seconds"] > times.table()["failing"]["cpu_seconds"]


def test_a_function_can_be_a_stage():
    @stage("adding")
    def add(a: int, b: int) -> int:
        return a + b

    assert add(1, 2) == 3
    with measured() as times:
        assert add(1, 2) == 3
    assert "adding" in times.table()


def test_items_that_take_a_stage_to_come():
    def items():
        for number in range(3):
            work(200)
            yield number

    with measured() as times:
        for _ in staged("coming", items()):
            work(20)
            with stage("between"):
                work(20)
        assert [*staged("coming", [7])] == [7]
    table = times.table()
    assert table["coming"]["cpu_seconds"] > 2 * (table["between"]["cpu_seconds"] + table[REST]["cpu_seconds"])
    assert table[REST]["cpu_seconds"] > 0


def test_other_threads_have_no_stages():
    def other() -> None:
        with stage("elsewhere"):
            work(1)

    with measured() as times:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert list(times.table()) == [REST]
