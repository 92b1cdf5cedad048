"""Lanes of work whose result does not depend on their number."""

import threading
import time

import pytest
import torch

from isofield.threads import parallel_map, ranges, single_threaded, workers


@pytest.fixture(autouse=True)
def _restore():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize(("count", "size"), [(0, 5), (1, 5), (5, 5), (11, 5)])
def test_ranges_cover_everything_once(count, size):
    parts = ranges(count, size)
    assert [i for part in parts for i in range(count)[part]] == list(range(count))
    assert all(part.stop - part.start <= size for part in parts)


def test_results_keep_the_order_of_the_chunks():
    torch.set_num_threads(2)

    def slow_first(index):
        time.sleep(0.05 if index == 0 else 0.0)
        return index * index

    assert parallel_map(slow_first, iter(range(7))) == [0, 1, 4, 9, 16, 25, 36]
    assert parallel_map(slow_first, []) == []


def test_one_torch_thread_computes_inside_and_as_many_lanes_as_torch_had_threads():
    torch.set_num_threads(2)
    outside = workers()
    with single_threaded():
        assert torch.get_num_threads() == 1
        assert workers() == outside
        with single_threaded():
            assert workers() == outside
        assert torch.get_num_threads() == 1
        names = set(parallel_map(lambda _: (time.sleep(0.02), threading.get_ident())[1], range(8)))
        assert len(names) == outside
    assert torch.get_num_threads() == 2


def test_after_an_error_no_chunk_is_left_to_compute():
    torch.set_num_threads(2)
    begun, ended = [], []

    def fail_first(index):
        begun.append(index)
        if index == 0:
            raise ZeroDivisionError
        time.sleep(0.05)
        ended.append(index)

    with pytest.raises(ZeroDivisionError):
        parallel_map(fail_first, range(50))
    assert sorted(ended) == sorted(begun)[1:]
    assert len(begun) < 50
    assert parallel_map(lambda index: index, range(5)) == [0, 1, 2, 3, 4]


def test_threads_come_back_after_an_error():
    torch.set_num_threads(2)
    with pytest.raises(ZeroDivisionError), single_threaded():
        parallel_map(lambda x: 1 / x, [1, 0, 2])
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    assert workers() == 1
