"""Pictures of fields in the plane."""

import numpy as np

from isofield.render import planes
from isofield.sampling.picture_samples import grid


def test_level_sets_shade_the_inside_and_draw_the_border():
    distance = np.linalg.norm(grid(100, 100), axis=2) - 0.5
    picture = planes.level_sets(distance)
    np.testing.assert_array_equal(picture[50, 27], planes.INSIDE)  # between the lines at -0.1 and 0
    np.testing.assert_array_equal(picture[50, 22], planes.OUTSIDE)
    assert np.abs(picture[50, 25] - planes.ZERO).max() < 60
    assert (planes.level_sets(np.full((4, 4), np.nan)) == 255).all()


def test_colours_are_clipped_and_strips_keep_their_parts():
    picture = planes.colors(np.array([[[-2.0, 0, 2], [1, -1, 0]]]))
    np.testing.assert_array_equal(picture, [[[0, 128, 255], [255, 0, 128]]])
    assert planes.colors(np.zeros((3, 2))).shape == (3, 2, 3)
    both = planes.strip(picture, picture, gap=1)
    assert both.shape == (1, 5, 3) and (both[:, 2] == 255).all() and (both[:, 3:] == picture).all()
