"""Which signed distance the samples of a shape have: the one place where `--sign` is chosen."""

from __future__ import annotations

import numpy as np

from isofield.configs import PrepareConfig
from isofield.datasets.quality_gate import GateResult
from isofield.datasets.visibility import distance_to_seen
from isofield.solids.signed_distance import signed_distance
from isofield.types import Distance


def distance_of(judged: GateResult, config: PrepareConfig) -> Distance:
    """The signed distance (n,) of points (n, 3), NaN where it is not known, of a shape with triangles."""
    assert judged.solids is not None  # for the type checker: accepted shapes have triangles, or are points
    if judged.seen is not None:
        return distance_to_seen(judged.seen, float(np.sqrt(max(config.variances))))
    return signed_distance(judged.solids, config.thickness, config.sign == "parity")
