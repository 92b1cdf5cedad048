"""Numbers as colours."""

from __future__ import annotations

import numpy as np

from isofield.render import colors


def test_inside_is_blue_and_outside_red():
    inside, zero, outside = colors.colors_of_distance(np.array([-2.0, 0.0, 2.0]), 1.0).tolist()
    assert inside == [*colors.INSIDE] and zero == [*colors.ZERO] and outside == [*colors.OUTSIDE]
