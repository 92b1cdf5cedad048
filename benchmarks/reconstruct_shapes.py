"""What benchmarks/reconstruct.py fits: real scans, and scans that it makes itself, each with its closed truth."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import igl
import numpy as np
import trimesh
from manifold3d import Manifold, Mesh, OpType

from isofield import io, surfaces
from isofield.families import FAMILIES
from isofield.render import scan
from isofield.types import Cloud

CONDITIONS: dict[str, dict[str, float]] = {
    "scans": {},
    "plain": {"count": 30_000, "noise": 0.002},
    "noise": {"count": 30_000, "noise": 0.005},
    "sparse": {"count": 3_000, "noise": 0.002},
    "outliers": {"count": 30_000, "noise": 0.002, "outliers": 0.05},
}
"""How `isofield.render.scan` looks at a shape; "scans" are the files of the shared data as they are."""
OBJECTS, BODIES = 3, (4, 124)
"""How many objects, evenly spread over the folder; which bodies (one stands in the rest pose, the other does not)."""


@dataclass(frozen=True)
class Case:
    """Points to fit, with what they should give.

    points: with the true, outward normals. source: the file that `fit` is given in their place, where there is one.
    published: the file's own truth, where the truth is the outer surface of it.
    """

    points: Cloud
    truth: trimesh.Trimesh
    source: str | None = None
    published: trimesh.Trimesh | None = None


def data() -> Path:
    """The folder of real shapes: ISOFIELD_DATA, or ../shared/data beside the checkout."""
    beside = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
    return Path(os.environ.get("ISOFIELD_DATA", beside)).resolve()


def cases(condition: str) -> dict[str, Callable[[], Case]]:
    """Every shape of a condition by its name, and what makes its case, or raises ValueError: not scored."""
    if condition == "scans":
        return {name: partial(_given, source, truth) for name, source, truth in _scans()}
    names = [*(f"{path.stem}" for path in sorted((data() / "meshes").glob("*.obj"))), *_objects(), *_bodies()]
    return {name: partial(_made, name, condition) for name in [*names, *(n for n in FAMILIES if n != "sculpture")]}


def missing() -> list[str]:
    """Which parts of the shared data are not there."""
    parts = ("meshes", "objects", "objects_truth", "bodies", "scans/noisy", "scans/abc", "scans/bodies")
    return [part for part in parts if not (data() / part).is_dir()]


def _objects() -> list[str]:
    names = sorted(path.stem for path in (data() / "objects_truth").glob("*.ply"))
    names = [name for name in names if (data() / "objects" / f"{name}.ply").is_file()]
    return [f"object_{name}" for name in names[:: max(1, -(-len(names) // OBJECTS))]]


def _bodies() -> list[str]:
    archive = data() / "bodies" / "bodies.npz"
    if not archive.is_file():
        return []
    with np.load(archive) as file:
        return [str(file["names"][index]) for index in BODIES]


def _scans() -> Iterator[tuple[str, Path, Path]]:
    """Name, scan and truth of every real one; of the body scans the first test subject's first, the last one's last."""
    folder = data() / "scans"
    for source in sorted((folder / "noisy").glob("*.scan.ply")):
        name = source.name.removesuffix(".scan.ply")
        yield name, source, data() / "meshes" / f"{name}.obj"
    for source in sorted((folder / "abc").glob("*.scan.ply")):
        yield "abc", source, source.with_name(source.name.replace(".scan.", ".gt."))
    split = folder / "bodies" / "test.json"
    if split.is_file():
        subjects = json.loads(split.read_text()).items()
        found = [Path(who, pose, f"{frame}.ply") for who, poses in subjects for pose in poses for frame in poses[pose]]
        for scanned in dict.fromkeys((found[0], found[-1])):
            name = f"{scanned.parts[0]}-{scanned.parts[1]}"
            yield name, folder / "bodies" / scanned, folder / "bodies_registrations" / scanned


@lru_cache(maxsize=2)
def _shape(name: str) -> tuple[trimesh.Trimesh, trimesh.Trimesh]:
    """The mesh to scan and the truth to score against, which are one but for objects."""
    if name in FAMILIES:
        mesh = FAMILIES[name]()
    elif name.startswith("object_"):
        file = name.removeprefix("object_") + ".ply"
        return _merged(data() / "objects" / file), _closed(_merged(data() / "objects_truth" / file))
    elif name.startswith("body_"):
        with np.load(data() / "bodies" / "bodies.npz") as file:  # as in its unpack.py
            index = [str(n) for n in file["names"]].index(name)
            vertices = file["offset"][index] + file["scale"][index] * file["vertices"][index].astype(np.float64)
            mesh = trimesh.Trimesh(vertices, file["faces"], process=False)
    else:
        mesh = _merged(data() / "meshes" / f"{name}.obj")
    return mesh, _closed(mesh)


def _merged(path: Path) -> trimesh.Trimesh:
    """A mesh file whose vertices at one place are one."""
    if not path.is_file():
        raise ValueError(f"{path} is missing")
    mesh = io.read(path)
    mesh = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    mesh.merge_vertices()
    return mesh


def _closed(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """The mesh, if it can be scored: closed, outward, no inner walls or cavities. Raises ValueError where it cannot."""
    found = surfaces.check(mesh)
    if not found.closed or found.crowded_edges:
        raise ValueError(f"its truth is not closed ({'; '.join(found.problems)})")
    if found.unlike_edges:
        raise ValueError("its truth's faces are not wound alike")
    part = trimesh.graph.connected_component_labels(mesh.face_adjacency, node_count=len(mesh.faces))
    volumes = np.bincount(part, np.linalg.det(mesh.triangles))
    if (volumes <= 0).any():
        raise ValueError("its truth has a cavity that no camera sees, or faces inward")
    # Just off the outer surface the winding number is 0 on one side and 1 on the other; off an inner wall it is not.
    points, face = trimesh.sample.sample_surface(mesh, 4000, seed=0)
    step = 1e-4 * np.linalg.norm(mesh.extents) * mesh.face_normals[face]
    vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64)
    outside, inside = (igl.fast_winding_number(vertices, faces, points + s * step) for s in (1, -1))
    wrong = float(((np.abs(outside) > 0.3) | (np.abs(inside - 1) > 0.3)).mean())
    if wrong > 0.01:
        raise ValueError(f"{wrong:.0%} of its truth's area is inner wall")
    return mesh


def _outer(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """The outer surface of a mesh of several bodies, each grown by 0.05 % of the diagonal so that they join."""
    step = 5e-4 * np.linalg.norm(mesh.extents)
    grown = []
    for part in mesh.split(only_watertight=False):
        vertices = np.asarray(part.vertices + step * part.vertex_normals, np.float32)
        grown.append(Manifold(Mesh(vertices, np.asarray(part.faces, np.uint32))))
    union = Manifold.batch_boolean(grown, OpType.Add).to_mesh()
    outer = trimesh.Trimesh(union.vert_properties[:, :3], union.tri_verts, process=False)
    outer.merge_vertices()
    return outer


def _made(name: str, condition: str) -> Case:
    mesh, truth = _shape(name)
    seed = zlib.crc32(f"{name} {condition}".encode())
    return Case(scan(mesh, seed=seed, normals=True, **CONDITIONS[condition]), truth)


def _given(source: Path, truth_file: Path) -> Case:
    truth, published = _merged(truth_file), None
    if source.parent.name == "abc":  # two bodies that touch, with walls between them
        truth, published = _outer(truth), truth
    truth = _closed(truth)
    shape = io.read(source)
    points = np.asarray(shape.points if isinstance(shape, Cloud) else shape.vertices, np.float64)
    vertices, faces = np.asarray(truth.vertices, np.float64), np.asarray(truth.faces, np.int64)
    nearest = igl.point_mesh_squared_distance(points, vertices, faces)[1]
    return Case(Cloud(points, truth.face_normals[nearest]), truth, str(source), published)
