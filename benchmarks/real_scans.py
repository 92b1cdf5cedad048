"""`isofield fit` beside Open3D's screened Poisson on files as people bring them, and on scenes with truth.

    .venv/bin/python benchmarks/real_scans.py                        # every case, one Markdown table
    .venv/bin/python benchmarks/real_scans.py mug room --out DIR     # two cases; keeps scans, meshes, previews, rows

isofield runs as its command line with default settings, in its own process; its seconds include start and imports.
Poisson gets the same points: normals by principal components, oriented towards the sensor where it is known, else by
tangent planes; the faces' own normals on samples of a mesh; depth 8 to 10 by the number of points. Files are those of
`real` in the folder that ISOFIELD_DATA names (absent ones are skipped); the scenes are made by benchmarks/scenes.py.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scenes
import trimesh
from reconstruct import commit, header
from reconstruct_shapes import data

from isofield import io
from isofield.evaluate.rays import NEIGHBOURS as NEAREST
from isofield.evaluate.rays import rays_met, stray
from isofield.evaluate.surface_samples import used_points
from isofield.kdtree import KDTree, nearest
from isofield.types import Cloud

NEIGHBOURS, QUANTILE = 30, 0.01
"""Of the normals, and of the density below which Open3D's documentation trims."""
DEPTHS = ((50_000, 8), (500_000, 9))
"""Poisson's depth up to a number of points; above them 10."""
ON_A_MESH, RAYS = 100_000, 60_000
"""Samples of a mesh for Poisson; rays that are cast."""
F_SHARE, F_SHARE_OF_A_MESH = 0.005, 0.0005
"""Threshold of the F-score: of a scene's scale (its median range, or its diagonal), and of a mesh's diagonal."""
TIMEOUT = 1800


@dataclass(frozen=True)
class Case:
    """What is fitted, and what the result is measured by.

    source: the file. cloud: its points with their sensors, as far as they are known; for a mesh, its vertices. mesh:
    the mesh of the file. sensors_known: the file says where they were. up: they are far above. scene: with its truth.
    """

    source: Path
    cloud: Cloud
    mesh: trimesh.Trimesh | None = None
    sensors_known: bool = True
    up: bool = False
    scene: scenes.Scene | None = None


def real(name: str, sensor: np.ndarray | None = None, up: bool = False) -> Case:
    """A file of the shared data. sensor: (3,), of a single view."""
    source = data() / "real" / name
    shape = io.read(source)
    if not isinstance(shape, Cloud):
        return Case(source, Cloud(np.asarray(shape.vertices)), shape, sensors_known=False)
    sensors = None if sensor is None else np.broadcast_to(sensor, shape.points.shape)
    return Case(source, Cloud(shape.points, sensors=sensors), sensors_known=sensor is not None or up, up=up)


def made(name: str, folder: Path) -> Case:
    """A scene of benchmarks/scenes.py, written into a folder."""
    scene = scenes.SCENES[name]()
    source = scenes.write(name, scene, folder)
    if not scene.scans:
        return Case(source, Cloud(np.asarray(scene.truth.vertices)), scene.truth, False, scene=scene)
    return Case(source, scene.measured(), None, source.suffix != ".ply", scene.up, scene)


REAL: dict[str, Callable[[], Case]] = {
    "mug": lambda: real("mug.pcd", np.zeros(3)),
    "terrain": lambda: real("terrain.pcd", up=True),
    "tray": lambda: real("tray.stl"),
    "sheet_with_hole": lambda: real("sheet_with_hole.obj"),
}


def fitted(case: Case, out: Path, more: list[str]) -> tuple[trimesh.Trimesh | None, dict[str, Any]]:
    """The command line's mesh, None where there is none, and the seconds, or the reason."""
    command = [sys.executable, "-m", "isofield", "fit", str(case.source), "-o", str(out), "--no-progress", "--json"]
    began = time.perf_counter()
    try:
        done = subprocess.run([*command, *more], capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return None, {"error": f"took longer than {TIMEOUT} s"}
    seconds = time.perf_counter() - began
    out.with_suffix(".log").write_text(done.stderr + done.stdout, encoding="utf-8")
    if done.returncode:
        return None, {"seconds": seconds, "error": (done.stderr.strip().splitlines() or ["no message"])[-1]}
    return io.read(out), {"seconds": seconds}


def poisson(case: Case) -> tuple[trimesh.Trimesh, trimesh.Trimesh, float]:
    """Open3D's screened Poisson: as it is, trimmed by density, and the seconds."""
    import open3d as o3d

    began = time.perf_counter()
    if case.mesh is not None:
        points, face = trimesh.sample.sample_surface(case.mesh, ON_A_MESH, seed=0)
        normals, sensors = case.mesh.face_normals[face], None
    else:
        points, normals, sensors = case.cloud.points, None, case.cloud.sensors
    center = points.mean(axis=0)
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points - center))
    if normals is not None:
        cloud.normals = o3d.utility.Vector3dVector(normals)
    else:
        cloud.estimate_normals(o3d.geometry.KDTreeSearchParamKNN(NEIGHBOURS))
        if case.up:
            cloud.orient_normals_to_align_with_direction(np.array([0.0, 0, 1]))
        elif case.sensors_known and sensors is not None:
            found = np.asarray(cloud.normals)
            away = np.einsum("ij,ij->i", found, sensors - points) < 0
            cloud.normals = o3d.utility.Vector3dVector(np.where(away[:, None], -found, found))
        else:
            cloud.orient_normals_consistent_tangent_plane(NEIGHBOURS)
    depth = next((depth for most, depth in DEPTHS if len(points) <= most), 10)
    mesh, density = o3d.geometry.TriangleMesh.create_from_point_cloud_poisson(cloud, depth=depth)
    seconds = time.perf_counter() - began
    vertices, faces = np.asarray(mesh.vertices) + center, np.asarray(mesh.triangles)
    whole = trimesh.Trimesh(vertices, faces, process=False)
    dense = np.asarray(density) >= np.quantile(np.asarray(density), QUANTILE)
    trimmed = trimesh.Trimesh(vertices, faces[dense[faces].all(axis=1)], process=False)
    trimmed.remove_unreferenced_vertices()
    return whole, trimmed, seconds


def measures(case: Case, mesh: trimesh.Trimesh) -> dict[str, Any]:
    """Columns of the table that a mesh has in this case."""
    points = case.cloud.points
    row: dict[str, Any] = {"faces": len(mesh.faces)}
    if case.mesh is None:
        row["stray"] = stray(mesh, points)
        some = np.random.default_rng(0).permutation(len(points))[:RAYS]
        height = float(np.ptp(points[:, 2]))
        if case.up:
            chosen, sensors = from_above(points, 0.02 * height)
            found = rays_met(mesh, points[chosen], sensors, 0.03 * height)
            row |= {"met": found.met, "blocked": found.blocked}
        elif case.cloud.sensors is not None:
            found = rays_met(mesh, points[some], case.cloud.sensors[some])
            row |= {"met": found.met, "blocked": found.blocked}
    elif case.scene is None:
        row["stray"] = stray(mesh, trimesh.sample.sample_surface(case.mesh, ON_A_MESH, seed=0)[0])
    row["extent"] = extent(mesh, case.mesh if case.mesh is not None else case.cloud)
    scene, share = case.scene, F_SHARE
    if case.mesh is not None and case.mesh.is_watertight:
        scene, share = scenes.whole(case.mesh), F_SHARE_OF_A_MESH
    if scene is not None:
        found_scores = scenes.score(scene, mesh, share)
        row |= {"f": found_scores.f, "precision": found_scores.precision, "recall": found_scores.recall}
    if case.mesh is not None and case.mesh.is_watertight:
        row["volume"] = mesh.volume / case.mesh.volume if mesh.is_watertight else None
    return row


def rows_of(name: str, case: Case, folder: Path, pictures: bool, peer: bool) -> list[dict[str, Any]]:
    """One row a method."""
    folder.mkdir(parents=True, exist_ok=True)
    more = ["--preview", str(folder / f"{name}.png")] if pictures else []
    mesh, row = fitted(case, folder / f"{name}-isofield.ply", more)
    rows = [{"case": name, "method": "isofield", **row, **({} if mesh is None else measures(case, mesh))}]
    if peer:
        whole, trimmed, seconds = poisson(case)
        for label, each in (("Poisson", whole), ("Poisson, trimmed", trimmed)):
            io.write_mesh(each, folder / f"{name}-{label.lower().replace(', ', '-')}.ply")
            rows.append({"case": name, "method": label, "seconds": seconds, **measures(case, each)})
    return rows


def markdown(rows: list[dict[str, Any]], head: dict[str, Any]) -> str:
    """The table, with machine, date and versions."""
    versions = ", ".join(f"{name} {number}" for name, number in head["versions"].items())
    state = f"; sources at {head['commit']}" if head["commit"] else ""
    lines = [
        f"{head['machine']}, no GPU; {head['date']}; {versions}{state}.", "",
        "| case | method | rays met | blocked before | stray | extent | F (precision, recall) | volume | seconds |",
        "| --- " * 9 + "|",
    ]  # fmt: skip
    for row in rows:
        if "error" in row:
            lines.append(f"| {row['case']} | {row['method']} | {row['error']} |||||||")
            continue
        f, size = "-", "-"
        if "f" in row:
            f = f"{row['f']:.3f} ({row['precision']:.3f}, {row['recall']:.3f})"
        if "volume" in row:
            size = "not closed" if row["volume"] is None else f"{row['volume']:.4f}"
        least, most = row["extent"]
        shares = [f"{row[key]:.3f}" if key in row else "-" for key in ("met", "blocked", "stray")]
        cells = [row["case"], row["method"], *shares, f"{least:.2f} to {most:.2f}", f, size, f"{row['seconds']:.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def from_above(points: np.ndarray, depth: float) -> tuple[np.ndarray, np.ndarray]:
    """Indices (k,) of the points that are visible from above, and sensors (k, 3) straight above each of them.

    A point is visible where none of its eight nearest points in the horizontal plane is higher by more than `depth`, in
    the points' unit. The sensors are at one height, over all points by a tenth of their extent in z (at least `depth`).
    """
    columns = KDTree(points[:, :2])
    _, around = nearest(columns, points[:, :2], k=min(len(points), NEAREST + 1))
    top = points[np.asarray(around).reshape(len(points), -1), 2].max(axis=1)
    chosen = np.flatnonzero(points[:, 2] >= top - depth)
    height = points[:, 2].max() + max(0.1 * float(np.ptp(points[:, 2])), depth)
    return chosen, np.column_stack([points[chosen, :2], np.full(len(chosen), height)])


def extent(mesh: trimesh.Trimesh, shape: trimesh.Trimesh | Cloud) -> tuple[float, float]:
    """The least and the greatest ratio of a mesh's box to that of a cloud or another mesh, over the three axes.

    Axes along which the other has no extent are left out.
    """
    mine, theirs = (np.ptp(used_points(each, name), axis=0) for each, name in ((mesh, "the mesh"), (shape, "the scan")))
    ratio = mine[theirs > 0] / theirs[theirs > 0]
    return float(ratio.min()), float(ratio.max())


def main() -> None:
    """Run the chosen cases, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = [*REAL, *scenes.SCENES]
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"{', '.join(every)} (default: all)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep scans, meshes, pictures and rows.json here")
    parser.add_argument("--no-peer", dest="peer", action="store_false", help="leave Poisson out")
    args = parser.parse_args()
    if unknown := [name for name in args.cases if name not in every]:
        parser.error(f"no case is called {', '.join(unknown)}; there are {', '.join(every)}")
    folder = args.out or Path(tempfile.mkdtemp(prefix="real_scans-"))
    rows: list[dict[str, Any]] = []
    head = header(2) | {"commit": commit()}
    for name in args.cases or every:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the log of isofield has them
            if name in REAL and not (data() / "real").is_dir():
                print(f"{data() / 'real'} is missing: {name} is skipped", file=sys.stderr)
                continue
            case = REAL[name]() if name in REAL else made(name, folder)
        rows += rows_of(name, case, folder, args.out is not None, args.peer)
        if args.out is not None:
            (folder / "rows.json").write_text(json.dumps({"header": head, "rows": rows}, indent=1) + "\n")
        print(f"{name} done", file=sys.stderr, flush=True)
    print(markdown(rows, head))


if __name__ == "__main__":
    main()
