"""What each way of telling the inside does with damage, near the surface of a ball."""

import numpy as np
import pytest
import trimesh

from isofield.solids.signed_distance import signed_distance
from isofield.solids.solid_parts import sort
from isofield.solids.triangles import inside_of, parity_of

BALL = trimesh.creation.icosphere(3, 0.6)
VERTICES, FACES = np.asarray(BALL.vertices), np.asarray(BALL.faces)
RANDOM = np.random.default_rng(0)
X = BALL.triangles_center[RANDOM.integers(len(FACES), size=10_000)] + RANDOM.normal(0, 0.03, (10_000, 3))
TRUE = inside_of(VERTICES, FACES)(X)


def flipped(share: float) -> np.ndarray:
    chosen = np.random.default_rng(1).random(len(FACES)) < share
    return np.where(chosen[:, None], FACES[:, ::-1], FACES)


DAMAGE = {
    "none": (FACES, (0, 0), (0, 0)),
    "5 % gone": (FACES[np.random.default_rng(2).random(len(FACES)) > 0.05], (0, 1), (0.1, 3)),
    "10 % flipped": (flipped(0.1), (0.3, 6), (0, 0)),
    "all flipped": (FACES[:, ::-1], (40, 60), (0, 0)),
    "20 % twice": (np.concatenate([FACES, FACES[::5]]), (0, 0.1), (1, 15)),
    "all twice, opposite": (np.concatenate([FACES, FACES[:, ::-1]]), (40, 60), (25, 60)),
}
"""Faces, and between which percentages of the signs the winding number and parity are wrong."""


@pytest.mark.parametrize("what", DAMAGE)
def test_wrong_signs_on_damage(what):
    faces, winding, parity = DAMAGE[what]
    for ask, (least, most) in ((inside_of, winding), (parity_of, parity)):
        wrong = 100 * (ask(VERTICES, np.ascontiguousarray(faces))(X) != TRUE).mean()
        assert least <= wrong <= most, (ask.__name__, wrong)


def test_sorted_solids_are_turned_before_the_winding_number_is_asked():
    for share in (0.1, 1.0):
        assert np.array_equal(signed_distance(sort(VERTICES, flipped(share)), 0)(X) < 0, TRUE)


def test_parity_is_exact_on_closed_bodies_and_cancels_where_they_overlap():
    box = trimesh.creation.box((1, 1, 1))
    x = np.random.default_rng(3).uniform(-1, 1, (5000, 3))
    one = sort(np.asarray(box.vertices), np.asarray(box.faces))
    found = signed_distance(one, 0, parity=True)(x)
    assert np.abs(found - signed_distance(one, 0)(x)).max() == 0
    both = trimesh.util.concatenate([box, box.copy().apply_translation((0.5, 0.3, 0.2))])
    two = sort(np.asarray(both.vertices), np.asarray(both.faces))
    first, second = ((np.abs(x - shift) < 0.5).all(1) for shift in (0, (0.5, 0.3, 0.2)))
    assert np.array_equal(signed_distance(two, 0, parity=True)(x) < 0, first ^ second)
    assert np.array_equal(signed_distance(two, 0)(x) < 0, first | second)
