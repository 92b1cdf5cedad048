"""A mesh is taken at its word: exact distances, sharp edges, and a sentence for what was repaired."""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from scipy.spatial.transform import Rotation

import isofield
from isofield import InputError, surfaces
from isofield.api.meshes import taken
from isofield.configs import Ssd, Triangles
from isofield.solids.triangles import distance_to, inside_of

SIZE = np.array([3.0, 2.0, 1.0])
REAL = Path(os.environ.get("ISOFIELD_DATA", Path(__file__).parents[3] / "shared" / "data")) / "real"


def box(size=SIZE, at=(0, 0, 0)):
    made = trimesh.creation.box(size)
    made.apply_translation(at)
    return made


def turned(mesh):
    """The mesh after a rotation about no axis of its own."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec([0.7, -0.4, 1.1]).as_matrix()
    mesh.apply_transform(matrix)
    return mesh


def distance_to_box(x):
    """The signed distance (n,) of points (n, 3) to the box of `SIZE` around the origin."""
    q = np.abs(x) - SIZE / 2
    return np.linalg.norm(np.maximum(q, 0), axis=1) + np.minimum(q.max(1), 0)


def plate(thickness=1.0, side=200.0):
    """A square plate with a square hole through it."""
    outline = trimesh.creation.box((side, side, thickness))
    hole = trimesh.creation.box((side / 5, side / 5, 3 * thickness))
    return trimesh.boolean.difference([outline, hole], engine="manifold")


def edges_and_corners(mesh):
    """Points on the edges of a mesh."""
    ends = np.asarray(mesh.vertices)[mesh.edges_unique]
    return np.concatenate([(1 - t) * ends[:, 0] + t * ends[:, 1] for t in np.linspace(0, 1, 9)])


def test_the_distance_to_a_box_is_exact_everywhere():
    with pytest.warns(UserWarning, match="Trimesh is a mesh: up and normals are for points, and not used"):
        sdf = isofield.fit(box(), up=[0, 0, 1], normals="trust")
    x = np.random.default_rng(0).uniform(-4, 4, (5000, 3))
    assert sdf.kind == "triangles"
    assert sdf.provenance["method"] == "triangles"
    assert sdf.provenance["noise"] == 0
    assert sdf.provenance["faces"] == 12
    assert np.abs(sdf(x) - distance_to_box(x)).max() < 1e-12
    assert np.abs(sdf(torch.from_numpy(x)).numpy() - distance_to_box(x)).max() < 1e-6
    assert np.abs(sdf.project(x) - x).max() > 0.1
    assert np.abs(distance_to_box(sdf.project(x))).max() < 1e-5


def test_gradients_are_directions_to_the_closest_point():
    sdf = isofield.fit(box())
    x = np.random.default_rng(1).uniform(-4, 4, (1000, 3))
    expected = (distance_to_box(x[:, None].repeat(3, 1).reshape(-1, 3) + np.tile(1e-6 * np.eye(3), (1000, 1)))
                .reshape(-1, 3) - distance_to_box(x)[:, None]) / 1e-6  # fmt: skip
    clear = np.abs(np.linalg.norm(expected, axis=1) - 1) < 1e-3  # not on the medial axis
    assert np.abs(sdf.gradient(x) - expected)[clear].max() < 1e-3
    at = torch.from_numpy(x).requires_grad_()
    slope = torch.autograd.grad(sdf(at).sum(), at)[0].numpy()
    assert np.abs(slope - expected)[clear].max() < 1e-3
    on = np.array([[1.5, 0.3, 0.2], [0.4, -1.0, 0.1]])
    assert np.allclose(sdf.gradient(on), [[1, 0, 0], [0, -1, 0]])


@pytest.mark.parametrize("make", [box, lambda: turned(box())], ids=["along the axes", "turned"])
def test_the_edges_of_a_box_are_exact_in_its_mesh(make):
    given = make()
    extraction = isofield.fit(given).extract(64)
    mesh = extraction.mesh
    assert extraction.problems == []
    assert mesh.volume == pytest.approx(6, rel=1e-6)
    assert distance_to(mesh.vertices, mesh.faces)(edges_and_corners(given)).max() < 1e-6
    assert distance_to(given.vertices, given.faces)(mesh.triangles_center).max() < 1e-6


def test_a_closed_mesh_comes_back_with_its_own_faces_unless_cells_are_asked_for():
    for make, number in ((lambda: turned(box()), 12), (lambda: plate(0.2), 32)):
        given = make()
        extraction = isofield.fit(given).extract()
        assert (len(extraction.mesh.faces), extraction.resolution, extraction.problems) == (number, None, [])
        assert extraction.mesh.volume == pytest.approx(given.volume, rel=1e-9)
    assert isofield.fit(box()).extract(32).resolution == 32


def test_faces_that_cross_each_other_are_cut_there():
    """What lies inside, or is inside out, is left out, and the others stay."""
    crossing = trimesh.creation.icosphere(2)
    crossing.vertices[:, 0] -= 1.5 * np.where(crossing.vertices[:, 0] > 0.9, 2, 0)  # a side pushed out of the other
    sdf = isofield.fit(crossing)
    extraction = sdf.extract()
    assert (extraction.resolution, extraction.problems) == (None, [])
    assert len(extraction.mesh.faces) < 1.5 * len(crossing.faces)
    x = np.random.default_rng(0).uniform(-2.5, 1.5, (5000, 3))
    assert np.array_equal(inside_of(extraction.mesh.vertices, extraction.mesh.faces)(x), sdf(x) < 0)
    assert np.array_equal(sdf(x) < 0, inside_of(crossing.vertices, crossing.faces)(x))


def test_a_fin_without_thickness_is_left_out():
    fin = box()
    a, b = fin.face_adjacency_edges[1]
    both = np.concatenate([fin.faces, [[a, b, 8], [b, a, 8]]])
    tip = 2 * fin.vertices[[a, b]].mean(0)
    extraction = isofield.fit(trimesh.Trimesh([*fin.vertices, tip], both, process=False)).extract()
    assert (extraction.resolution, extraction.problems, len(extraction.mesh.faces)) == (None, [], 12)


@pytest.mark.filterwarnings("ignore:.*holes of")
def test_holes_that_meet_in_a_vertex_are_closed_one_by_one():
    ball = trimesh.creation.icosphere(2)
    around = np.flatnonzero((ball.faces == 50).any(1))
    beside = [f for f in around if np.isin(ball.faces[f], ball.faces[around[0]]).sum() == 1]
    open_ = trimesh.Trimesh(ball.vertices, np.delete(ball.faces, [around[0], beside[0]], 0), process=False)
    extraction = isofield.fit(open_).extract()
    assert (extraction.resolution, extraction.problems) == (None, [])
    assert len(extraction.mesh.faces) == len(ball.faces)
    assert extraction.mesh.volume == pytest.approx(ball.volume, rel=1e-9)


@pytest.mark.parametrize(
    ("bar", "at", "volume"),
    [((0.5, 0.5, 3), (0.1, 0.05, 0), 7.5), ((1, 1, 2), (1, 0.3, 0), 8.0)],
    ids=["through the cavity", "with faces in the planes of others"],
)
def test_a_bar_is_joined_to_a_box_with_a_cavity(bar, at, volume):
    wall = box((1, 1, 1))
    wall.invert()
    sdf = isofield.fit(trimesh.util.concatenate([box((2, 2, 2)), wall, box(bar, at)]))
    extraction = sdf.extract()
    assert (extraction.resolution, extraction.problems) == (None, [])
    assert extraction.mesh.volume == pytest.approx(volume, rel=1e-7)
    assert sdf(np.array([[0.6, 0.0, 0.6]]))[0] == pytest.approx(-np.hypot(0.1, 0.1), abs=1e-7)


def test_faces_that_barely_cross_and_bodies_that_touch_in_an_edge_are_kept():
    ball = trimesh.creation.icosphere(3)
    pushed = int(ball.vertices[:, 2].argmax())
    ball.vertices[pushed] += [0.3, 0, 0]  # folds a few faces over
    touching = trimesh.util.concatenate([box((1, 1, 1)), box((1, 1, 1), at=(1, 1, 0))])
    for mesh in (ball, touching):
        extraction = isofield.fit(mesh).extract()
        assert (extraction.resolution, extraction.problems) == (None, [])
        assert extraction.mesh.volume == pytest.approx(mesh.volume, rel=1e-4)


def clamp(gap):
    """A block with a slit, whose upper side then moves to a height `gap` above the lower one."""
    slit = box((1.5, 0.5, 2), at=(0.75, 0, 0))
    made = trimesh.boolean.difference([box((3, 2, 1)), slit], engine="manifold")
    upper = (made.vertices[:, 0] > -0.1) & (np.abs(made.vertices[:, 1] - 0.25) < 0.1)
    made.vertices[upper, 1] += gap - 0.5
    return made


def test_walls_that_overlap_by_a_rounding_error_are_kept():
    given = clamp(-1e-8)
    extraction = isofield.fit(given).extract()
    assert (extraction.resolution, extraction.problems) == (None, [])
    assert len(extraction.mesh.faces) == len(given.faces)
    assert extraction.mesh.volume == pytest.approx(given.volume, rel=1e-7)


def sliced(number):
    """A box; `number` points on one edge belong to the face on one side, and to faces without area on the other."""
    mesh = box()
    a, b = mesh.face_adjacency_edges[0]
    face = int(np.flatnonzero((mesh.faces == a).any(1) & (mesh.faces == b).any(1))[0])
    a, b, apex = np.roll(mesh.faces[face], -int(np.flatnonzero(~np.isin(mesh.faces[face], [a, b]))[0]) - 1)
    share = np.linspace(0, 1, number + 2)[1:-1, None] ** 2
    chain = np.concatenate([[a], len(mesh.vertices) + np.arange(number), [b]])
    fan = [(low, high, apex) for low, high in pairwise(chain)]
    flat = [(a, high, low) for low, high in pairwise(chain[1:])]
    faces = np.concatenate([np.delete(mesh.faces, face, 0), fan, flat])
    between = (1 - share) * mesh.vertices[a] + share * mesh.vertices[b]
    return trimesh.Trimesh(np.concatenate([mesh.vertices, between]), faces, process=False)


def test_faces_without_area_between_the_others_keep_a_mesh_closed(recwarn):
    for given in (sliced(1), sliced(30), turned(sliced(1))):
        extraction = isofield.fit(given).extract()
        assert (extraction.resolution, extraction.problems) == (None, [])
        assert len(extraction.mesh.faces) == len(given.faces)
        assert extraction.mesh.volume == pytest.approx(6, rel=1e-9)
    assert not [warning for warning in recwarn if "left out" in str(warning.message)]


def test_a_thin_plate_with_a_hole_keeps_both_sides_and_the_hole():
    given = plate(thickness=1.0, side=200.0)
    extraction = isofield.fit(given).extract(256)
    assert extraction.problems == []
    assert extraction.mesh.volume == pytest.approx(given.volume, rel=1e-4)
    assert extraction.mesh.euler_number == 0
    away = distance_to(extraction.mesh.vertices, extraction.mesh.faces)(edges_and_corners(given))
    assert away.max() < 0.0005 * np.linalg.norm([200, 200])


def test_decimation_leaves_a_closed_box():
    sdf = isofield.fit(turned(box()))
    fewer = surfaces.decimate(sdf.mesh(48), 200)
    assert surfaces.check(fewer).problems == []
    assert len(fewer.faces) <= 200
    assert fewer.volume == pytest.approx(6, rel=1e-3)


def test_inside_out_doubled_and_missing_faces_are_repaired_and_said():
    x = np.random.default_rng(2).uniform(-2, 2, (500, 3))
    inverted = box()
    inverted.invert()
    doubled = trimesh.Trimesh(box().vertices, np.concatenate([box().faces, box().faces[:5]]), process=False)
    open_ = trimesh.Trimesh(box().vertices, box().faces[1:], process=False)
    for mesh, sentence in (
        (inverted, "12 faces are reversed to point outward"),
        (doubled, "5 faces without area, not finite or repeated are left out"),
        (open_, "holes of .* of the area are closed; --surface open leaves them open$"),
    ):
        with pytest.warns(UserWarning, match=sentence):
            sdf = isofield.fit(mesh)
        assert np.abs(sdf(x) - distance_to_box(x)).max() < 1e-12


def test_boxes_that_overlap_are_their_union():
    both = trimesh.util.concatenate([box((2, 2, 2)), box((2, 2, 2), at=(1.0, 0.5, 0.25))])
    with pytest.warns(UserWarning, match=r"faces inside the solid, 2[34] % of the area, are left out"):
        sdf = isofield.fit(both)
    assert np.abs(sdf(sdf.points)).max() < 1e-3
    mesh = sdf.extract(64).mesh
    overlap = 1 * 1.5 * 1.75
    assert surfaces.check(mesh).problems == []
    assert mesh.volume == pytest.approx(16 - overlap, rel=1e-3)
    inner = np.array([[0.5, 0.25, 0.125]])  # the middle of the overlap: walls inside do not count
    assert sdf(inner)[0] == pytest.approx(-distance_to(*_union(both))(inner)[0])


def _union(both):
    first, second = both.split()
    made = trimesh.boolean.union([first, second], engine="manifold")
    return made.vertices, made.faces


def test_a_cavity_stays_one():
    wall = box((1, 1, 1))
    wall.invert()
    sdf = isofield.fit(trimesh.util.concatenate([box((2, 2, 2)), wall]))
    assert sdf(np.zeros((1, 3)))[0] == pytest.approx(0.5)
    assert sdf(np.array([[0.75, 0.0, 0.0]]))[0] == pytest.approx(-0.25)
    extraction = sdf.extract(48)
    assert extraction.problems == []
    assert extraction.mesh.volume == pytest.approx(7, rel=1e-6)


@pytest.mark.parametrize(("scale", "move"), [(1e-6, [5e-6, -3e-6, 0]), (1e12, [3e12, 0, -7e12])])
def test_units_and_position_do_not_matter(scale, move):
    other = box()
    other.apply_scale(scale)
    other.apply_translation(move)
    sdf = isofield.fit(other)
    x = np.random.default_rng(3).uniform(-2, 2, (500, 3))
    assert np.abs(sdf(x * scale + move) / scale - distance_to_box(x)).max() < 1e-9
    assert sdf.mesh(32).volume == pytest.approx(6 * scale**3, rel=1e-6)


def test_a_folder_gives_the_same_field(tmp_path):
    sdf = isofield.fit(turned(box()))
    sdf.save(tmp_path / "box")
    again = isofield.load(tmp_path / "box")
    x = np.random.default_rng(4).uniform(-2, 2, (500, 3))
    assert np.array_equal(again(x), sdf(x))
    assert again.kind == "triangles"
    moved = again.moved(np.eye(4)).offset(0.1)  # copies of the module, and fields made of it
    assert np.abs(moved(x) - (sdf(x) - 0.1)).max() < 1e-5


@pytest.mark.slow
def test_other_settings_or_a_noise_still_sample_the_faces():
    mesh = trimesh.creation.icosphere(3)
    small = Ssd(oriented=500, cells=16, levels=2)
    assert isofield.fit(mesh, method="ssd", quality="fast", config=small).kind == "grid"
    assert isofield.fit(mesh, quality="fast", noise=0.0).kind == "triangles"


def test_a_noise_on_a_mesh_is_said_to_sample_it():
    with pytest.warns(UserWarning, match="is a mesh: with a noise points on its faces are fitted"):
        sdf = isofield.fit(trimesh.creation.icosphere(2), quality="fast", noise=0.001)
    assert sdf.kind == "grid"


def sheet():
    """A square of two triangles."""
    return trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]], process=False)


def test_a_sheet_is_thickened_only_if_asked():
    with pytest.raises(InputError, match=r"Trimesh encloses no volume .*: thicken its faces"):
        isofield.fit(sheet(), method="triangles")
    with pytest.warns(UserWarning, match=r"are thickened to \S+ normalised, \S+ in the units of the mesh"):
        sdf = isofield.fit(sheet(), method="triangles", config=Triangles(thickness=0.05))
    assert len(sdf.points) == sdf.provenance["points"]["given"]  # they lie inside the slab, and are kept
    half = 0.025 * np.sqrt(2)
    x = np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.2], [0.5, -1.0, 0.0]])
    assert np.allclose(sdf(x), [-half, 0.2 - half, 1 - half])
    extraction = sdf.extract(96)
    assert extraction.problems == []
    assert extraction.mesh.volume == pytest.approx(
        2 * half + 4 * np.pi * half**2 / 2 + 4 / 3 * np.pi * half**3, rel=0.01
    )


def lidless():
    """A box of `SIZE` without its lid, in 10 triangles."""
    made = box()
    return trimesh.Trimesh(made.vertices, made.faces[made.face_normals[:, 2] < 0.5], process=False)


def patches(gap):
    """A ball of 8 patches that are not joined, with gaps between them."""
    ball = trimesh.creation.icosphere(4)
    octant = (ball.triangles_center > 0) @ [1, 2, 4]
    parts = [ball.submesh([np.flatnonzero(octant == k)], append=True) for k in range(8)]
    for part in parts:
        part.apply_translation(gap * part.triangles_center.mean(0))
    return trimesh.util.concatenate(parts)


def test_an_open_mesh_comes_back_as_it_is_with_exact_distances(tmp_path):
    given = turned(lidless())
    sdf = isofield.fit(given)
    assert (sdf.open, sdf.kind) == (True, "triangles")
    assert sdf.provenance["surface"]["reason"] == "100 % of the area encloses nothing"
    x = np.random.default_rng(5).uniform(-2, 2, (500, 3))
    assert np.abs(sdf(x) - distance_to(given.vertices, given.faces)(x)).max() < 1e-12
    sdf.save(tmp_path / "lidless")
    for field in (sdf, isofield.load(tmp_path / "lidless")):
        extraction = field.extract(16)
        assert extraction.problems == []
        assert np.abs(np.sort(extraction.mesh.area_faces) - np.sort(given.area_faces)).max() < 1e-12
        assert distance_to(given.vertices, given.faces)(extraction.mesh.vertices).max() < 1e-12
    offset = sdf.mesh(48, level=0.1)  # a wall on both sides
    assert surfaces.check(offset).problems == []
    assert offset.volume == pytest.approx(0.2 * given.area, rel=0.1)


def test_a_mesh_that_was_flattened_is_open():
    torus = trimesh.creation.torus(1, 0.35, 32, 16)
    torus.vertices *= [1, 1, 0]
    sdf = isofield.fit(turned(torus))
    assert (sdf.open, sdf.kind) == (True, "triangles")
    assert sdf.provenance["surface"]["reason"] == "all its faces lie in a plane"
    assert sdf.mesh().area == pytest.approx(torus.area, rel=1e-6)
    assert not isofield.fit(trimesh.creation.box((1, 1, 1e-4))).open


def test_holes_of_an_open_mesh_are_closed_up_to_a_size():
    sdf = isofield.fit(lidless())
    assert len(sdf.mesh(close_holes=2.9).faces) == 10
    closed = sdf.extract(close_holes=3.1)
    assert closed.mesh.volume == pytest.approx(6)
    assert sdf.extract().membranes == 0
    assert closed.membranes == pytest.approx(1 - lidless().area / closed.mesh.area)


def test_small_holes_stay_if_asked():
    sdf = isofield.fit(trimesh.Trimesh(box().vertices, box().faces[1:], process=False), surface="open")
    assert sdf.open
    assert len(sdf.mesh().faces) == 11


def test_a_mesh_that_encloses_nothing_is_sampled_to_be_closed_and_where_it_is_a_soup():
    assert taken(lidless(), "box", 0, "closed", required=False) is None
    assert taken(patches(gap=0.001), "patches", 0, "auto", required=False) is None
    apart = taken(patches(gap=0.05), "patches", 0, "auto", required=False)  # the gaps can be seen
    assert apart is not None
    assert apart.open
    loose = trimesh.creation.icosphere(3).triangles
    loose = loose + 0.02 * loose.mean(1, keepdims=True)  # every face on its own
    ball = trimesh.Trimesh(loose.reshape(-1, 3), np.arange(3 * len(loose)).reshape(-1, 3), process=False)
    assert taken(ball, "loose", 0, "auto", required=False) is None


def test_flat_patches_that_are_not_joined_stay_as_they_are():
    other = sheet()
    other.apply_translation([1.0002, 0.5, 0])
    found = taken(trimesh.util.concatenate([sheet(), other]), "tiles", 0, "auto", required=False)
    assert found is not None
    assert (found.open, len(found.triangles)) == (True, 4)


def test_a_sheet_on_a_solid_is_no_soup():
    label = sheet()
    label.apply_translation([0, 0, 0.5001])
    label.apply_scale(1.4)
    found = taken(trimesh.util.concatenate([box((1, 1, 1)), label]), "label", 0, "auto", required=False)
    assert found is not None
    assert (found.open, len(found.triangles)) == (True, 14)


def test_few_sheets_beside_a_solid_are_left_out_and_said():
    loose = sheet()
    loose.apply_scale(0.5)
    loose.apply_translation([3, 0, 0])
    with pytest.warns(UserWarning, match=r"sheets \(.* of the area\) are left out; --surface open keeps"):
        sdf = isofield.fit(trimesh.util.concatenate([box(), loose]))
    assert sdf.mesh(48).volume == pytest.approx(6, rel=1e-6)


def test_points_have_no_faces_to_take():
    with pytest.raises(InputError, match="holds only points, and method triangles needs a mesh"):
        isofield.fit(np.random.default_rng(0).normal(size=(500, 3)), method="triangles")


def test_a_real_plate():
    path = REAL / "tray.stl"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    given = isofield.read(path)
    extraction = isofield.fit(path).extract()
    assert extraction.problems == []
    assert extraction.mesh.volume == pytest.approx(347_866, rel=0.0003)
    diagonal = float(np.linalg.norm(given.extents))
    points, _ = trimesh.sample.sample_surface(given, 20_000, seed=0)
    assert np.quantile(distance_to(extraction.mesh.vertices, extraction.mesh.faces)(points), 0.999) < 0.0005 * diagonal
    assert distance_to(given.vertices, given.faces)(extraction.mesh.triangles_center).max() < 0.0005 * diagonal


def test_an_open_sheet_with_every_face_twice_is_one_sheet():
    ball = trimesh.creation.icosphere(2)
    half = ball.faces[ball.triangles_center[:, 2] > 0]
    twice = trimesh.Trimesh(ball.vertices, np.concatenate([half, half[:, ::-1]]), process=False)
    with pytest.warns(UserWarning, match=f"Trimesh: {len(half)} faces without area or repeated are left out"):
        sdf = isofield.fit(twice)
    assert sdf.open and len(sdf.mesh().faces) == len(half)
