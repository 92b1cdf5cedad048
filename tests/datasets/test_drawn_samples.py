"""Training samples as coloured points."""

from __future__ import annotations

import numpy as np
import pytest

import balls
from isofield.datasets import drawn_samples as samples
from isofield.datasets.prepared import rows_of
from isofield.errors import InputError
from isofield.render import colors


def test_signed_samples_are_blue_inside_and_red_outside(tmp_path):
    data = balls.prepared(tmp_path / "data", {"ball": balls.rows_of(0.5, 400)})
    rows = rows_of(data, "ball", "signed")
    inside, outside, every = (samples.drawn("signed", rows, side) for side in ("inside", "outside", "all"))
    assert len(inside.points) == (rows[:, 3] < 0).sum() and len(every.points) == 400
    assert np.linalg.norm(inside.points, axis=1).max() < 0.501 and np.linalg.norm(outside.points, axis=1).min() > 0.499
    assert (inside.colors[:, 2] >= inside.colors[:, 0]).all() and (outside.colors[:, 0] >= outside.colors[:, 2]).all()
    with pytest.raises(InputError, match="is damaged"):
        rows_of(data, "ball", "unsigned")


def test_every_kind_has_points_and_colours(table):
    direction = np.tile([0.0, 0, 1], (200, 1))
    distance = np.linspace(0, 1, 200)[:, None]
    kinds = {
        "unsigned": [table, distance, direction], "surface": [table, direction], "cloud": [table, table + 0.1],
        "levelset": [table, distance], "occupancy": [table, distance > 0.5], "plane": [table[:, :2], distance],
        "contour": [table[:, :2]], "image": [table[:, :2], distance], "image ": [table[:, :2], table],
    }  # fmt: skip
    for kind, columns in kinds.items():
        found = samples.drawn(kind.strip(), np.concatenate(columns, 1))
        assert found.points.shape == found.colors.shape == (200, 3) and found.colors.dtype == np.uint8, kind
        assert len(found.segments) == (200 if kind == "cloud" else 0)
    occupied = samples.drawn("occupancy", np.concatenate(kinds["occupancy"], 1)).colors
    assert occupied[-1].tolist() == [*colors.INSIDE] and occupied[0].tolist() == [*colors.OUTSIDE]
    assert np.allclose(samples.drawn("contour", table[:, :2]).points[:, 1], -table[:, 1])
