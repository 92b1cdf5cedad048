"""Charts of curves, as picture files."""

import sys

import numpy as np
import pytest
from PIL import Image

from isofield.errors import InputError
from isofield.render import Chart, charts

X = np.arange(1, 50)
PANELS = [
    Chart("loss", X, {"loss": 1 / X}, log=True),
    Chart("norms", X, {"one": X, "two": 2.0 * X}),
    Chart("minutes", X, {"minutes": X / 60}),
]


def test_three_charts_take_two_rows_of_two(tmp_path):
    charts(PANELS, tmp_path / "deep" / "curves.png")
    image = np.asarray(Image.open(tmp_path / "deep" / "curves.png").convert("L"), float)
    height, width = image.shape
    ink = [[part.min() < 100 for part in np.array_split(row, 2, 1)] for row in np.array_split(image, 2, 0)]
    assert ink == [[True, True], [True, False]]
    assert (width, height) == (1280, 720)


def test_vector_graphics_and_unknown_formats(tmp_path):
    charts(PANELS, tmp_path / "curves.svg")
    assert "<svg" in (tmp_path / "curves.svg").read_text()
    with pytest.raises(InputError, match=r"\.png, \.pdf or \.svg"):
        charts(PANELS, tmp_path / "curves.xyz")
    assert [path.name for path in tmp_path.iterdir()] == ["curves.svg"]


def test_without_matplotlib_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(InputError, match=r"pip install 'isofield\[plot\]'"):
        charts(PANELS, tmp_path / "curves.png")
