"""The grid with a network that learned it."""

import numpy as np
import pytest
import torch

from adapts import fitted as fitted_by
from adapts import stages
from isofield.configs import Network, Optim, Schedule, Ssd, SsdSiren
from isofield.evaluate import compare
from isofield.fields.grid import SparseGrid
from isofield.fields.grid_residual import GridResidual
from isofield.methods import ssd_siren
from isofield.types import Observation

RATE = Schedule(1e-3, "cosine", final=1e-5)
FEW = SsdSiren(network=Network("siren", 64, 3, 20.0), optim=Optim(200, 1500, RATE), samples=60_000)
TINY = SsdSiren(Ssd(cells=24, levels=2, iterations=(10, 10)), Network("siren", 16, 2, 20.0), Optim(12, 200, RATE), 2000)


@pytest.fixture(autouse=True)
def _restore():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def sphere(count: int) -> Observation:
    """Points of a sphere of radius 0.9."""
    x = np.random.default_rng(0).normal(size=(count, 3))
    return Observation(0.9 * x / np.linalg.norm(x, axis=1, keepdims=True))


def test_is_as_good_as_the_grid_after_few_steps(fitted, surface):
    truth, _, grid = fitted("knot", 4000)
    field = list(ssd_siren.SsdSirenMethod(FEW).refine(grid, 0, "cpu"))[-1].code
    assert isinstance(field, GridResidual)
    before, after = (compare(surface(f), truth, samples=20_000, floor=False) for f in (grid, field))
    assert after["f_score_1"] >= 0.99
    assert after["normal_consistency"] > before["normal_consistency"] - 0.001
    assert (after["components"], after["genus"], after["watertight"]) == (1, 1, True)
    assert after["chamfer_l1"] < 1.05 * before["chamfer_l1"]


def test_the_band_is_where_the_network_counts(fitted):
    _, _, grid = fitted("knot", 4000)
    x = ssd_siren.band(grid, 5000, torch.Generator().manual_seed(0))
    assert x.shape == (5000, 3)
    with torch.no_grad():
        values = grid(x).abs() / grid.cell
    assert values.max() < 7  # a cell with a corner in the band reaches sqrt 3 cells beyond it
    assert (values < 1).float().mean() > 0.1


def test_until_the_network_has_learned_the_best_field_is_the_grid():
    steps = stages(TINY, sphere(500))
    assert [step.fraction for step in steps] == sorted(step.fraction for step in steps)
    assert steps[-1].fraction == 1
    assert isinstance(steps[-1].code, GridResidual)
    assert all(isinstance(step.code, SparseGrid) for step in steps[1:-1])
    assert len(steps) == 1 + 2 + 12 + 1


def test_same_bytes_for_any_number_of_threads():
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        field = fitted_by(TINY, sphere(500), seed=4)
        results.append(b"".join(value.numpy().tobytes() for value in field.state_dict().values()))
    assert results[0] == results[1]
