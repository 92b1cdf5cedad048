"""A plane through a field whose distances are known, and its picture."""

from __future__ import annotations

import numpy as np
import pytest

from isofield.render import planes
from isofield.render.slices import line_step, round_step, slice_of, slice_picture

LOWER, UPPER = np.array([-1.0, -2, -3]), np.array([1.0, 2, 3])


def test_steps_are_round():
    assert [round_step(length) for length in (0.9, 1.0, 1.1, 2.4, 6.0)] == pytest.approx([1, 1, 2, 5, 10])


def test_lines_are_a_fifth_of_the_depth_apart_about():
    assert line_step(np.array([-0.5, 0.5])) == pytest.approx(0.1)
    assert line_step(np.array([-3.0, 100])) == pytest.approx(5)
    assert line_step(np.array([-0.01, 100])) == pytest.approx(20)  # not hundreds of lines


@pytest.mark.parametrize(("axis", "right", "down"), [(0, (0, 0, -1), (0, -1, 0)), (1, (1, 0, 0), (0, 0, 1)),
                                                     (2, (1, 0, 0), (0, -1, 0))])  # fmt: skip
def test_a_picture_is_seen_from_the_positive_end(axis, right, down):
    def beyond(way):  # inside where x . way > 0.5
        picture = slice_picture(slice_of(lambda x: 0.5 - x @ np.array(way, float), LOWER, UPPER, axis, 0.0, 60))
        return np.abs(picture.astype(int) - planes.INSIDE.astype(int)).sum(2) == 0

    ahead, below = beyond(right), beyond(down)
    middle = [size // 2 for size in ahead.shape]
    assert ahead[:, middle[1] :].sum() > 20 and not ahead[:, : middle[1]].any()
    assert below[middle[0] :].sum() > 20 and not below[: middle[0]].any()
    sides = [int(UPPER[np.argmax(np.abs(way))]) for way in (down, right)]
    assert ahead.shape[0] * sides[1] == pytest.approx(ahead.shape[1] * sides[0], rel=0.05)
