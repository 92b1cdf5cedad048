from __future__ import annotations

import manifold3d
import numpy as np
import pytest
import trimesh
from scipy.ndimage import gaussian_filter

from isofield.surfaces import check, extract, keep_observed, repair

from . import analytic as fields


def oracle(mesh: trimesh.Trimesh) -> str:
    """What manifold3d says of a mesh."""
    raw = manifold3d.Mesh(np.asarray(mesh.vertices, np.float32), np.asarray(mesh.faces, np.uint32))
    return manifold3d.Manifold(raw).status().name


def joined(*meshes: trimesh.Trimesh) -> trimesh.Trimesh:
    starts = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes])
    faces = np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)])
    return trimesh.Trimesh(np.concatenate([mesh.vertices for mesh in meshes]), faces, process=False)


def blocks(solid: np.ndarray) -> trimesh.Trimesh:
    """The outer faces of unit cubes, corners shared: full of edges and vertices in which several sheets meet."""
    solid = np.pad(solid, 1)
    names: dict[tuple[int, ...], int] = {}
    faces = []
    for axis in range(3):
        for side in (0, 1):
            for cell in np.argwhere(solid & ~np.roll(solid, 1 - 2 * side, axis=axis)):
                square = []
                for one, two in ((0, 0), (1, 0), (1, 1), (0, 1)):
                    corner = cell.copy()
                    corner[axis] += side
                    corner[(axis + 1) % 3] += one
                    corner[(axis + 2) % 3] += two
                    square.append(names.setdefault(tuple(corner.tolist()), len(names)))
                a, b, c, d = square if side else square[::-1]
                faces += [(a, b, c), (a, c, d)]
    return trimesh.Trimesh(np.array(list(names), np.float64), np.array(faces), process=False)


def ball(center: tuple[float, float, float], radius: float) -> trimesh.Trimesh:
    mesh = trimesh.creation.icosphere(subdivisions=4, radius=radius)
    return trimesh.Trimesh(mesh.vertices + center, mesh.faces, process=False)


def on(mesh: trimesh.Trimesh, count: int, seed: int = 0) -> np.ndarray:
    return np.asarray(trimesh.sample.sample_surface(mesh, count, seed=seed)[0])


def spacing(mesh: trimesh.Trimesh, count: int) -> float:
    return float(np.sqrt(mesh.area / count))


def test_check_counts_what_is_wrong() -> None:
    sphere = ball((0, 0, 0), 1)
    assert check(sphere).problems == []
    assert check(sphere).components == 1
    opened = trimesh.Trimesh(sphere.vertices, sphere.faces[1:], process=False)
    assert (check(opened).open_edges, check(opened).closed) == (3, False)
    turned = trimesh.Trimesh(sphere.vertices, sphere.faces[:, ::-1], process=False)
    assert (check(turned).closed, check(turned).inward_components) == (True, 1)
    one_turned = sphere.faces.copy()
    one_turned[0] = one_turned[0, ::-1]
    assert check(trimesh.Trimesh(sphere.vertices, one_turned, process=False)).unlike_edges == 3
    hollow = joined(sphere, trimesh.Trimesh(sphere.vertices / 2, sphere.faces[:, ::-1], process=False))
    assert (check(hollow).problems, check(hollow).components) == ([], 2)
    on_edge = blocks(np.array([[[1], [0]], [[0], [1]]], bool))
    assert check(on_edge).crowded_edges == 1
    at_corner = np.zeros((2, 2, 2), bool)
    at_corner[0, 0, 0] = at_corner[1, 1, 1] = True
    assert (check(blocks(at_corner)).pinched_vertices, check(blocks(at_corner)).crowded_edges) == (1, 0)
    flat = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [2, 0, 0]], [[0, 1, 2]], process=False)
    assert check(flat).degenerate_faces == 1
    assert check(trimesh.Trimesh()).problems == ["no faces"]


@pytest.mark.parametrize("seed", range(8))
def test_repair_takes_crowded_edges_and_pinched_vertices_apart(seed: int) -> None:
    mesh = blocks(np.random.default_rng(seed).random((6, 6, 6)) < (0.2, 0.4, 0.5, 0.7)[seed % 4])
    assert check(mesh).crowded_edges > 5
    whole = repair(mesh)
    assert check(whole).problems == []
    assert oracle(whole) == "NoError"
    assert whole.volume == pytest.approx(mesh.volume, rel=1e-3)
    # A reader that merges equal vertices must not undo it.
    assert len(np.unique(whole.vertices.astype(np.float32), axis=0)) == len(whole.vertices)


@pytest.mark.parametrize("seed", range(6))
def test_extract_and_repair_are_manifold_on_random_volumes(seed: int) -> None:
    values = np.random.default_rng(seed).standard_normal((20, 20, 20))
    smooth = gaussian_filter(values, seed % 3) if seed % 3 else values
    for volume in (smooth, np.round(1.5 * smooth / smooth.std())):
        mesh = extract(fields.grid(volume), np.zeros(3), np.full(3, 19.0), 19 if seed < 3 else 51).mesh
        assert check(mesh).closed
        whole = repair(mesh)
        assert check(whole).problems == []
        assert oracle(whole) == "NoError"


def test_repair_leaves_a_good_mesh_alone() -> None:
    mesh = extract(fields.torus, np.full(3, -1.0), np.full(3, 1.0), 64).mesh
    whole = repair(mesh)
    assert np.array_equal(whole.vertices, mesh.vertices)
    assert np.array_equal(whole.faces, mesh.faces)


def test_repair_takes_out_degenerate_and_double_faces() -> None:
    sphere = ball((0, 0, 0), 1)
    vertices, faces = np.array(sphere.vertices), np.array(sphere.faces)
    vertices[faces[10, 1]] = vertices[faces[10, 0]]  # an edge without length
    a, b, c = faces[500]
    split = np.delete(faces, 500, axis=0)
    middle = len(vertices)  # a face without height: a vertex on the edge a b that its neighbour does not know
    vertices = np.vstack([vertices, (vertices[a] + vertices[b]) / 2])
    fold = [(a, b, 0), (b, a, 0)] if 0 not in (a, b) else []
    more = [(a, middle, c), (middle, b, c), (a, b, middle), faces[40], (7, 7, 9), *fold]
    mesh = trimesh.Trimesh(vertices, np.concatenate([split, more]), process=False)
    assert check(mesh).degenerate_faces >= 3
    whole = repair(mesh)
    assert check(whole).problems == []
    assert oracle(whole) == "NoError"
    assert whole.volume == pytest.approx(sphere.volume, rel=1e-2)


def test_repair_turns_faces_outward() -> None:
    sphere = ball((0, 0, 0), 1)
    faces = np.array(sphere.faces)
    faces[::3] = faces[::3, ::-1]
    whole = repair(trimesh.Trimesh(sphere.vertices, faces, process=False))
    assert check(whole).problems == []
    assert whole.volume == pytest.approx(sphere.volume)


def test_repair_leaves_the_open_walls_of_a_room_inward() -> None:
    room = trimesh.creation.box((3, 2, 1))
    room.invert()
    walls = trimesh.Trimesh(room.vertices, np.concatenate([room.faces[2:], room.faces[2:3]]), process=False)
    assert np.array_equal(repair(walls).faces, room.faces[2:])


def test_a_component_without_points_is_dropped() -> None:
    body, blob = ball((0, 0, 0), 1), ball((2, 0, 0), 0.3)
    points = np.concatenate([on(body, 20_000), [[1.7, 0, 0]] * 5])
    mesh, dropped = keep_observed(joined(body, blob), points, spacing(body, 20_000))
    assert dropped == 1
    assert mesh.volume == pytest.approx(body.volume)
    # A large blob in a sparse cloud of stray points: enough of them, but far fewer than its area asks for.
    points = np.concatenate([on(body, 20_000), on(ball((4, 0, 0), 1.5), 60)])
    mesh, dropped = keep_observed(joined(body, ball((4, 0, 0), 1.5)), points, spacing(body, 20_000))
    assert (dropped, check(mesh).components) == (1, 1)


@pytest.mark.parametrize("count", [100, 3000, 30_000])
def test_a_small_part_that_is_well_sampled_stays(count: int) -> None:
    body, part = ball((0, 0, 0), 1), ball((1.6, 0, 0), 0.25)
    both = joined(body, part)
    points = on(both, count) + np.random.default_rng(0).normal(0, 0.004, (count, 3))
    empty = ball((0, 2.5, 0), 0.4)
    mesh, dropped = keep_observed(joined(both, empty), points, spacing(both, count))
    assert dropped == 1
    assert mesh.volume == pytest.approx(both.volume)


def test_small_bubbles_of_noise_go_and_thick_parts_stay() -> None:
    body, bubble = ball((0, 0, 0), 1), ball((0.99, 0, 0), 0.02)
    wall = trimesh.Trimesh(bubble.vertices, bubble.faces[:, ::-1], process=False)
    random = np.random.default_rng(0)
    around = np.array([0.99, 0, 0]) + random.normal(0, 0.02, (40, 3))  # enough points for its area
    points = np.concatenate([on(body, 20_000) * (1 + random.normal(0, 0.02, (20_000, 1))), around])
    mesh, dropped = keep_observed(joined(body, wall), points, spacing(body, 20_000))
    assert (dropped, mesh.volume) == (1, pytest.approx(body.volume))
    outside = ball((1.05, 0, 0), 0.02)
    points = np.concatenate([points[:20_000], around + np.array([0.06, 0, 0])])
    assert keep_observed(joined(body, outside), points, spacing(body, 20_000))[1] == 1


def test_a_cavity_stays_only_with_points_and_with_its_body() -> None:
    body, inner = ball((0, 0, 0), 1), ball((0, 0, 0), 0.6)
    wall = trimesh.Trimesh(inner.vertices, inner.faces[:, ::-1], process=False)
    hollow = joined(body, wall)
    mesh, dropped = keep_observed(hollow, on(body, 10_000), spacing(body, 10_000))
    assert (dropped, mesh.volume) == (1, pytest.approx(body.volume))
    mesh, dropped = keep_observed(hollow, on(hollow, 10_000), spacing(hollow, 10_000))
    assert (dropped, mesh.volume) == (0, pytest.approx(hollow.volume))
    other = ball((5, 0, 0), 1)
    points = np.concatenate([on(inner, 200), on(other, 10_000)])
    mesh, _ = keep_observed(joined(hollow, other), points, spacing(other, 10_000))
    assert mesh.volume == pytest.approx(other.volume)


def test_the_walls_of_a_room_stay_without_the_outer_side_that_nobody_saw():
    walls = ball((0, 0, 0), 1.0)
    walls.invert()
    mesh, dropped = keep_observed(
        joined(ball((0, 0, 0), 1.5), walls), on(walls, 10_000), spacing(walls, 10_000), room=True
    )
    assert dropped == 1 and mesh.volume == pytest.approx(walls.volume)


def test_a_sparse_part_of_an_open_scene_stays() -> None:
    near, far = ball((0, 0, 0), 1), ball((4, 0, 0), 1.5)
    points = np.concatenate([on(near, 20_000), on(far, 200)])
    assert keep_observed(joined(near, far), points, spacing(near, 20_000), room=True)[1] == 0
    assert keep_observed(joined(near, far), points[:20_010], spacing(near, 20_000), room=True)[1] == 1


def test_the_best_supported_component_stays_whatever_the_points() -> None:
    body, blob = ball((0, 0, 0), 1), ball((3, 0, 0), 0.3)
    mesh, dropped = keep_observed(joined(body, blob), on(body, 2), 1.0)
    assert (dropped, mesh.volume) == (1, pytest.approx(body.volume))
    assert keep_observed(joined(body, blob), np.empty((0, 3)), 1.0)[1] == 0
