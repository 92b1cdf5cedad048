"""Contexts and queries of shapes that have many samples, and few."""

from __future__ import annotations

import numpy as np
import pytest

from balls import rows_of
from isofield.sampling.tasks import drawn
from isofield.types import Shape
from trained import shapes_of


def shape_of(count: int, kind: str) -> Shape:
    rows = rows_of(0.6, count)
    return shapes_of([rows])[0] if kind == "signed" else Shape(rows={"plane": rows[:, [0, 1, 3]]})


def numbers_of(parts: dict[str, np.ndarray], part: str) -> tuple[np.ndarray, np.ndarray]:
    """The distinct rows of a part, and how often each is there."""
    rows = np.column_stack([parts[part], parts[f"{part}_value"]])
    return np.unique(rows, axis=0, return_counts=True)


@pytest.mark.parametrize("kind", ["signed", "plane"])
@pytest.mark.parametrize("count", [50, 90, 5000])
def test_context_and_query_share_no_rows(kind, count):
    parts = drawn(shape_of(count, kind), 64, 64, np.random.default_rng(0), inside=False)
    (context, often), (query, _) = numbers_of(parts, "context"), numbers_of(parts, "query")
    assert parts["context"].shape == parts["query"].shape == (64, 3 if kind == "signed" else 2)
    assert not {*map(tuple, context)} & {*map(tuple, query)}
    assert len(context) + len(query) == min(count, 128)
    assert often.max() - often.min() <= 1


def test_rows_of_a_side_that_has_few_repeat_equally():
    rows = rows_of(0.6, 4000)
    outside, inside = rows[rows[:, 3] > 0], rows[rows[:, 3] < 0]
    (shape,) = shapes_of([np.random.default_rng(1).permutation(np.concatenate([outside[:200], inside[:20]]))])
    parts = drawn(shape, 64, 0, np.random.default_rng(0), inside=True)
    rows, often = numbers_of(parts, "context")
    assert often[rows[:, -1] < 0].sum() == 32
    assert {*often[rows[:, -1] < 0]} == {1, 2}


def test_over_many_draws_every_row_of_a_small_shape_counts_the_same():
    """47 rows for a context of 64: 17 of them twice, which are others in every draw."""
    shape, random = shape_of(47, "plane"), np.random.default_rng(0)
    counted = np.zeros(47)
    order = np.lexsort(shape.rows["plane"].T[::-1])
    for _ in range(400):
        rows, often = numbers_of(drawn(shape, 64, 0, random, inside=False), "context")
        assert np.array_equal(rows, shape.rows["plane"][order])
        counted += often
    assert np.abs(counted / 400 - 64 / 47).max() < 0.1


def test_one_sample_is_context_and_query():
    parts = drawn(shape_of(1, "plane"), 4, 4, np.random.default_rng(0))
    assert np.array_equal(parts["context"], parts["query"])
