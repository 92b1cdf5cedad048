from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree
from skimage.measure import marching_cubes

from isofield.errors import InputError
from isofield.surfaces import check, extract

from . import analytic as fields

LOW, HIGH = np.full(3, -1.0), np.full(3, 1.0)


def dense(field: fields.Field, low: np.ndarray, high: np.ndarray, resolution: int) -> np.ndarray:
    """Vertices, in cells, of scikit-image's marching cubes on every node."""
    spacing = (high - low).max() / resolution
    counts = np.ceil((high - low) / spacing - 1e-6).astype(int) + 1
    nodes = np.stack(np.meshgrid(*[np.arange(count) for count in counts], indexing="ij"), axis=-1).reshape(-1, 3)
    return marching_cubes(field(low + spacing * nodes).reshape(counts), 0.0)[0].astype(np.float64)


def difference(
    mesh: trimesh.Trimesh, field: fields.Field, resolution: int, low: np.ndarray = LOW, high: np.ndarray = HIGH
) -> float:
    """Largest distance, in cells, from a vertex to the other set's nearest, both ways."""
    mine = (mesh.vertices - low) / (high - low).max() * resolution
    theirs = dense(field, low, high, resolution)
    return max(cKDTree(mine).query(theirs)[0].max(), cKDTree(theirs).query(mine)[0].max())


FIELDS = {
    "sphere": fields.sphere,
    "torus": fields.torus,
    "plate": fields.plate(1.5 * 2 / 128),
    "straight plate": fields.plate(1.5 * 2 / 128, turned=False),
    "touching": fields.touching,
    "touching in a node": lambda p: fields.sphere(np.abs(p) - [0.4, 0, 0], 0.4),
    "faces on nodes": lambda p: np.abs(p).max(axis=1) - 0.3 * 2,
    "rough": fields.rough,
    "noisy": fields.noisy,
    "hundredfold": lambda p: 100 * fields.torus(p),
    "hundredth": lambda p: fields.torus(p) / 100,
    "minute": lambda p: 1e-6 * fields.torus(p),
    "clamped": lambda p: np.clip(fields.torus(p), -0.05, 0.05),
    "squashed": lambda p: np.tanh(fields.torus(p) / 0.05),
    "logit": lambda p: np.clip(60 * fields.torus(p), -20, 20),
    "steep on one side": lambda p: fields.torus(p) * (1 + 20 * np.maximum(p[:, 0], 0) ** 2),
    "a far drop": lambda p: np.minimum(fields.torus(p), fields.sphere(p - 0.9, 0.02)),
}


@pytest.mark.parametrize("name", FIELDS)
def test_same_as_dense_at_128(name: str) -> None:
    result = extract(FIELDS[name], LOW, HIGH, 128)
    assert difference(result.mesh, FIELDS[name], 128) < 1e-4
    assert check(result.mesh).problems == []
    assert result.evaluations < result.nodes


@pytest.mark.slow
@pytest.mark.parametrize("name", ["touching", "torus", "plate", "rough"])
def test_same_as_dense_at_256(name: str) -> None:
    field = fields.plate(1.5 * 2 / 256, turned=False) if name == "plate" else FIELDS[name]
    high = np.array([1.0, 0.72, 0.72] if name == "touching" else [1.0, 1.0, 0.29])
    low = -high
    result = extract(field, low, high, 256)
    assert difference(result.mesh, field, 256, low, high) < 1e-4
    assert check(result.mesh).problems == []
    assert not result.fallback


def test_same_mesh_as_all_nodes_evaluated() -> None:
    sparse, full = (extract(fields.rough, LOW, HIGH, 96, dense=way) for way in (False, True))
    assert full.evaluations == full.nodes == 97**3
    assert np.array_equal(sparse.mesh.vertices, full.mesh.vertices)
    assert np.array_equal(np.sort(sparse.mesh.faces, axis=0), np.sort(full.mesh.faces, axis=0))


@pytest.mark.parametrize("field", [fields.sphere, fields.touching])
def test_more_than_ten_times_fewer_evaluations_at_256(field: fields.Field) -> None:
    few = extract(field, LOW, HIGH, 256)
    assert few.nodes > 15 * few.evaluations
    assert not few.fallback


@pytest.mark.slow
def test_more_than_twenty_times_fewer_evaluations_at_512() -> None:
    few = extract(fields.sphere, LOW, HIGH, 512)
    assert few.nodes > 30 * few.evaluations
    assert check(few.mesh).problems == []


def test_each_node_is_evaluated_once_and_counted() -> None:
    for low, high, resolution in ((LOW, HIGH, 128), (LOW, np.array([1.0, 0.93, 0.71]), 107)):
        seen: list[np.ndarray] = []

        def field(p: np.ndarray, seen: list[np.ndarray] = seen) -> np.ndarray:
            seen.append(p)
            return fields.torus(p)

        result = extract(field, low, high, resolution, batch=5000)
        points = np.concatenate(seen)
        assert max(len(part) for part in seen) <= 5000
        assert len(points) == result.evaluations
        assert len(np.unique(points.round(9), axis=0)) == len(points)
        assert (points >= low).all() and (points < high + 2 / resolution).all()


@pytest.mark.parametrize("resolution", [37, 64, 100, 131, 182])
def test_long_boxes_and_odd_resolutions(resolution: int) -> None:
    low, high = np.array([-1.0, -1.0, -0.4]), np.array([1.0, 0.87, 0.33])
    mesh = extract(fields.torus, low, high, resolution).mesh
    assert difference(mesh, fields.torus, resolution, low, high) < 1e-4


def test_level_is_an_offset() -> None:
    mesh = extract(fields.sphere, LOW, HIGH, 64, 0.1).mesh
    assert np.linalg.norm(mesh.vertices, axis=1) == pytest.approx(0.9, abs=1e-3)


def test_a_body_that_crosses_the_box_is_closed_at_its_border() -> None:
    result = extract(lambda p: fields.sphere(p, 1.2), LOW, HIGH, 96)
    assert check(result.mesh).problems == []
    assert np.abs(result.mesh.vertices).max() < 1
    assert np.abs(result.mesh.vertices).max() > 1 - 2 / 96
    inside = extract(lambda p: fields.sphere(p, 9.0), LOW, HIGH, 96).mesh  # the whole box
    assert check(inside).problems == []
    assert inside.volume == pytest.approx(8 * (1 - 1 / 96) ** 3, rel=0.01)


def test_nothing_there_is_an_empty_mesh() -> None:
    result = extract(lambda p: fields.sphere(p, 0.1) + 3, LOW, HIGH, 64)
    assert len(result.mesh.faces) == 0
    assert check(result.mesh).problems == ["no faces"]
    assert len(extract(lambda p: np.ones(len(p)), LOW, HIGH, 64).mesh.faces) == 0


def test_a_field_without_slope_falls_back_and_says_so() -> None:
    result = extract(lambda p: np.where(fields.torus(p) < 0, -1.0, 1.0), LOW, HIGH, 128)
    assert result.fallback
    assert check(result.mesh).problems == []
    assert result.mesh.volume == pytest.approx(2 * np.pi**2 * 0.6 * 0.25**2, rel=0.01)


def test_a_plate_that_the_coarse_values_do_not_show_is_found_by_the_fallback() -> None:
    hidden = fields.plate(3 * 2 / 128, turned=False)
    result = extract(lambda p: np.tanh(hidden(p - [0, 0, 0.03]) / 0.004), LOW, HIGH, 128)
    assert result.fallback
    assert result.mesh.volume == pytest.approx(1.4 * 1.2 * 6 / 128, rel=0.05)


def test_nodes_on_the_level_make_no_degenerate_faces() -> None:
    random = np.random.default_rng(1)
    whole = np.round(1.5 * gaussian_filter(random.standard_normal((36, 36, 36)), 1) / 0.2)
    octahedron = lambda p: np.abs(p - 16).sum(axis=1) - 9  # noqa: E731
    box = lambda p: np.abs(p - 16).max(axis=1) - 9  # noqa: E731
    for field in (fields.grid(whole), octahedron, box):
        result = check(extract(field, np.zeros(3), np.full(3, 35.0), 35).mesh)
        assert result.problems == []


def test_a_value_that_is_no_number_counts_as_outside() -> None:
    result = extract(lambda p: np.where(p[:, 0] > 0.5, np.nan, fields.sphere(p)), LOW, HIGH, 64)
    assert check(result.mesh).closed
    assert result.mesh.bounds[1, 0] <= 0.5 + 2 / 64


def test_same_bytes_whatever_the_batch() -> None:
    one, two = (extract(fields.noisy, LOW, HIGH, 64, batch=batch).mesh for batch in (1000, 100_000))
    assert one.vertices.tobytes() == two.vertices.tobytes()
    assert one.faces.tobytes() == two.faces.tobytes()


def test_what_cannot_be_extracted_is_said() -> None:
    with pytest.raises(InputError, match="no volume"):
        extract(fields.sphere, LOW, LOW, 64)
    with pytest.raises(InputError, match="too low"):
        extract(fields.sphere, LOW, HIGH, 1)
    with pytest.raises(ValueError, match="shape"):
        extract(lambda p: p, LOW, HIGH, 64)
