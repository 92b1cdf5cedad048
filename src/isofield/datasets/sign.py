"""The signed distance that `--sign` selects."""

from __future__ import annotations

import numpy as np

from isofield.configs import PrepareConfig
from isofield.datasets.quality_gate import GateResult
from isofield.sampling.measured import measured_distance
from isofield.sampling.visibility import visibility_distance
from isofield.solids.signed_distance import closest_surface, signed_distance
from isofield.types import Distance


def distance_of(judged: GateResult, config: PrepareConfig) -> Distance:
    """The signed distance (n,) of points (n, 3) to a shape with triangles, NaN where its sign is uncertain."""
    assert judged.solids is not None  # for the type checker: accepted shapes have triangles, or are point clouds
    if judged.measured is not None:
        return measured_distance(closest_surface(judged.solids, config.thickness), judged.measured)
    if judged.visible is not None:
        return visibility_distance(judged.visible, float(np.sqrt(max(config.variances))))
    return signed_distance(judged.solids, config.thickness, config.sign == "parity")
