"""The object of a picture, centred before white."""

import numpy as np
import pytest

from isofield.io.pictures import framed

ROWS, COLUMNS = np.mgrid[:80, :120]
DISC = (ROWS - 50) ** 2 + (COLUMNS - 30) ** 2 < 20**2
"""39 pixels wide, off the centre."""


def _picture(background) -> np.ndarray:
    picture = np.broadcast_to(np.asarray(background, np.float32), (80, 120, 3)).copy()
    picture[DISC] = (0.8, 0.3, 0.2)
    return picture


@pytest.mark.parametrize("background", [1.0, (0.1, 0.2, 0.9), 0.85 + 0.15 * (ROWS / 80)[..., None] ** 1.5])
def test_an_object_before_a_uniform_background_is_centred_on_white(background):
    noise = np.random.default_rng(0).normal(0, 0.003, (80, 120, 3))
    square = framed((_picture(background) + noise).clip(0, 1).astype(np.float32))
    assert square.shape == (43, 43, 3)
    seen = (square < 0.95).any(-1)
    assert abs(seen.mean() - np.pi * 20**2 / 43**2) < 0.03
    assert np.allclose(np.argwhere(seen).mean(0), 21, atol=0.6)
    assert (square[~seen] == 1).all()


def test_what_is_opaque_is_the_object():
    rgba = np.concatenate([np.random.default_rng(0).random((80, 120, 3)), DISC[..., None]], -1).astype(np.float32)
    square = framed(rgba)
    assert square.shape == (43, 43, 3) and (square[0] == 1).all()


def test_an_object_may_reach_the_border():
    picture = _picture(1.0)
    picture[20:40, :15] = 0.2
    assert framed(picture).shape[0] == pytest.approx(1.1 * 50, abs=2)


def test_without_a_uniform_background_the_middle_is_taken():
    picture = np.random.default_rng(0).random((80, 120, 3)).astype(np.float32)
    assert np.array_equal(framed(picture), picture[:, 20:100])


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_nothing(value):
    assert framed(np.full((80, 120, 1), value, np.float32)) is None
