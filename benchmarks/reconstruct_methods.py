"""One fit of benchmarks/reconstruct.py, in a process of its own so that its peak memory is its own.

Reads a pickled job from standard input, `{"method", "quality", "points", "normals", "source", "truth",
"published"}`, and prints the row's figures as one line of JSON, last.
"""

from __future__ import annotations

import json
import pickle
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import trimesh

METHODS = ("floor", "auto", "ssd", "ssd-siren", "neural-pull", "neural-pull-paper-start", "poisson", "poisson-true")
"""In the order of the table. floor: the truth itself, with other samples; poisson: Open3D as a user runs it;
poisson-true: with the true normals; the others are isofield's, NAME-paper-start with `--init paper`."""
POISSON_DEPTH, NEIGHBOURS = 8, 30
SAMPLES = 250_000
"""Of each mesh when it is scored: with 100 000 the truth itself misses 0.5 % on shapes with much surface."""


def peak_bytes() -> int:
    """Most memory that this process had resident.

    getrusage's figure outlives exec and so contains the parent's, where Linux offers a cleaner one.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def poisson(points: np.ndarray, normals: np.ndarray | None) -> trimesh.Trimesh:
    """Open3D's screened Poisson; without normals they are estimated and oriented as its documentation shows."""
    import open3d as o3d

    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points))
    if normals is None:
        cloud.estimate_normals(o3d.geometry.KDTreeSearchParamKNN(NEIGHBOURS))
        cloud.orient_normals_consistent_tangent_plane(NEIGHBOURS)
    else:
        cloud.normals = o3d.utility.Vector3dVector(normals)
    mesh, _ = o3d.geometry.TriangleMesh.create_from_point_cloud_poisson(cloud, depth=POISSON_DEPTH)
    return trimesh.Trimesh(np.asarray(mesh.vertices), np.asarray(mesh.triangles), process=False)


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Fit, then score; the imports of what is used are not in the seconds."""
    method = job["method"]
    mine = method not in ("floor", "poisson", "poisson-true")
    if mine:
        import torch  # noqa: F401

        from isofield import fit
    elif method != "floor":
        import open3d  # noqa: F401
    truth = trimesh.Trimesh(*job["truth"], process=False)
    began, cpu = time.perf_counter(), time.process_time()
    if method == "floor":
        mesh = truth
    elif mine:
        name = method.removesuffix("-paper-start")
        init = "paper" if name != method else "oriented"
        mesh = fit(job["source"] or job["points"], method=name, quality=job["quality"], init=init).mesh()
    else:
        mesh = poisson(job["points"], job["normals"] if method == "poisson-true" else None)
    row: dict[str, Any] = {}
    if method != "floor":
        row["seconds"] = round(time.perf_counter() - began, 2)
        row["cpu_seconds"] = round(time.process_time() - cpu, 2)
        row["peak_gib"] = round(peak_bytes() / 2**30, 3)
    row |= score(mesh, truth)
    if job["published"]:
        row["f1_published"] = score(mesh, trimesh.Trimesh(*job["published"], process=False))["f1"]
    return row


def score(mesh: trimesh.Trimesh, truth: trimesh.Trimesh) -> dict[str, Any]:
    """The columns of a row; lengths are fractions of the diagonal of the truth's box."""
    from isofield import surfaces
    from isofield.evaluate import compare

    found = compare(mesh, truth, floor=False, samples=SAMPLES, thresholds=(0.005, 0.01))
    check = surfaces.check(mesh)
    return {
        "chamfer_l1": found["chamfer_l1"],
        "f05": found["f_score_0.5"],
        "f1": found["f_score_1"],
        "normals": found["normal_consistency"],
        "watertight": found["watertight"],
        "manifold": not check.crowded_edges and not check.pinched_vertices,
        "components": found["components"],
        "truth_components": found["truth_components"],
        "problems": check.problems,
        "faces": len(mesh.faces),
    }


def main() -> None:
    """Run the job; what goes wrong is a row too."""
    job = pickle.load(sys.stdin.buffer)  # from benchmarks/reconstruct.py, which started this process
    try:
        row = run(job)
    except Exception as error:  # the other rows are to be had all the same
        row = {"error": f"{type(error).__name__}: {error}"}
    print("\n" + json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
