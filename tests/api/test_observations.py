"""Observed shapes: their names, and what is said of them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import trimesh

from isofield.api import observe
from isofield.configs import PrepareConfig


def test_points_are_no_triangles_where_distances_are_to_triangles(tmp_path):
    np.savetxt(tmp_path / "cloud.xyz", trimesh.creation.icosphere(3).vertices)
    with pytest.warns(UserWarning, match="cloud.xyz has no faces: distances are to its points, not to triangles"):
        observe(tmp_path / "cloud.xyz", PrepareConfig(), kinds=("unsigned", "surface"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        observed = observe(tmp_path / "cloud.xyz", PrepareConfig(), kinds=("cloud",))
    assert len(observed.rows["cloud"])
