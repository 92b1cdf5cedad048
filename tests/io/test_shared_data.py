"""Every kind of file of the shared data is read for what it is."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import trimesh

from isofield import io
from isofield.points import check_cloud, check_faces
from isofield.solids.solid_parts import sort
from isofield.types import Cloud


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize(("name", "points"), [("bun000", 40256), ("bun045", 40097)])
def test_range_scans_of_stanford(data, name, points):
    cloud = io.read(data / "scans" / "stanford" / f"{name}.ply")
    assert isinstance(cloud, Cloud) and cloud.points.shape == (points, 3) and cloud.normals is None
    check_cloud(cloud, name)


def test_clouds(data):
    gargoyle = io.read(data / "scans" / "gargoyle.ply")
    assert gargoyle.points.shape == gargoyle.normals.shape == (95435, 3)
    assert np.allclose(np.linalg.norm(gargoyle.normals, axis=1), 1)
    noisy = sorted((data / "scans" / "noisy").glob("*.ply"))
    assert len(noisy) == 4
    for path in noisy:
        info = io.inspect(io.read(path), path.name)
        assert (info.kind, info.points) == ("cloud", 30000)
        assert 0.001 < info.noise / info.diagonal < 0.004  # made with 0.2 % of the diagonal
    abc = sorted((data / "scans" / "abc").glob("*.ply"))
    assert [type(io.read(path)) for path in abc] == [trimesh.Trimesh, Cloud]


def test_body_scans_are_scans_and_their_truth_is_closed(data):
    for folder, kind in (("bodies", "scan"), ("bodies_registrations", "mesh")):
        for path in sorted((data / "scans" / folder).rglob("*.ply"))[::17]:
            mesh = check_faces(io.read(path), path.name)
            info = io.inspect(mesh, path.name)
            assert info.kind == kind and info.watertight == (kind == "mesh"), path


@pytest.mark.filterwarnings("default")
def test_meshes(data):
    closed = {}
    for path in sorted((data / "meshes").glob("*.obj")):
        mesh = check_faces(io.read(path), path.name)
        info = io.inspect(mesh, path.name)
        closed[path.stem] = info.watertight and info.consistent
    assert {name for name, whole in closed.items() if whole} == {"cow", "fandisk", "homer", "rocker-arm", "spot"}
    assert len(closed) == 8


def test_soups(data):
    paths = [sorted(folder.glob("*.ply"))[0] for folder in sorted((data / "soups").iterdir()) if folder.is_dir()]
    assert len(paths) >= 10
    kinds = []
    for path in paths:
        mesh = check_faces(io.read(path), path.name)
        other = trimesh.load(path, process=False)
        assert len(mesh.faces) == len(other.faces) and np.array_equal(mesh.bounds, other.bounds)
        kinds.append(io.inspect(mesh, path.name).kind)
    assert kinds.count("scan") <= 1  # one is as evenly dense as a scan


def test_the_same_solids_every_time(data):
    """A guitar of many patches that meet at crowded edges: rays decide which way they face."""
    mesh = check_faces(io.read(next((data / "soups").rglob("m109.ply"))), "m109")
    first, *others = (sort(np.asarray(mesh.vertices), np.asarray(mesh.faces)) for _ in range(3))
    assert all(np.array_equal(first.solid, other.solid) for other in others)
