"""Retrieval and novelty: values worked out by hand, and what a copy and a new shape look like."""

from __future__ import annotations

import numpy as np
import pytest

from isofield.errors import InputError
from isofield.evaluate.retrieval import chamfer, median_neighbour_distance, nearest, novelty


def at(*xs):
    return np.array([[x, 0.0, 0.0] for x in xs])


def test_chamfer_by_hand():
    # From 0 and 1 to 0 and 3: (0 + 1) / 2; back: (0 + 4) / 2.
    assert chamfer(at(0, 1), at(0, 3)) == pytest.approx(1000 * (0.5 + 2.0))
    assert chamfer(at(0, 3), at(0, 1)) == pytest.approx(2500)
    assert chamfer(at(2, 5), at(5, 2)) == 0


def test_nearest_leaves_one_out():
    training = {"a": at(0), "b": at(1), "c": at(3)}
    assert nearest(at(0.1), training) == ("a", pytest.approx(20))
    assert nearest(at(0.1), training, leave_out="a") == ("b", pytest.approx(1620))
    with pytest.raises(ValueError, match="no training shape"):
        nearest(at(0), {"a": at(0)}, leave_out="a")


def test_a_copy_and_a_new_shape():
    training = {"a": at(0), "b": at(1), "c": at(3)}
    copied = novelty(at(1), at(1.5), training)
    assert (copied.best, copied.nearest) == ("b", "b")
    assert copied.to_training == 0
    assert copied.score == copied.retrieval == pytest.approx(500)
    found = novelty(at(1.4), at(1.5), training)
    assert found.score == pytest.approx(20)
    assert found.score < found.retrieval
    assert found.to_training == pytest.approx(320)
    assert median_neighbour_distance(training) == pytest.approx(2000)  # of 2000, 2000 and 8000
    with pytest.raises(InputError, match="at least two"):
        median_neighbour_distance({"a": at(0)})


def test_the_shortlist_finds_the_nearest_of_many():
    random = np.random.default_rng(0)
    base = random.normal(size=(3000, 3))
    training = {f"{k}": base * (1 + 0.02 * k) + 0.01 * random.normal(size=base.shape) for k in range(40)}
    for name in ("0", "17", "39"):
        assert nearest(training[name] + 0.003, training)[0] == name
