"""Quality of `isofield prepare` on real soups and assemblies.

    .venv/bin/python benchmarks/prepare_quality.py outer|gate|surfaces [SIGN [EVERY]]

outer: signed samples of the 100 test assemblies without inner walls, beside true unions: the fraction that agrees to a
thousandth of the radius. gate: accepted, repaired and rejected soups and assemblies, by class. surfaces: the zero set,
extracted at 128, of every third soup and tenth assembly that is not rejected (of these, every EVERY-th): whether it is
closed, and its distance to what cameras all around see, as a fraction of the radius.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import Counter
from pathlib import Path

os.environ.setdefault("IGL_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import joblib
import numpy as np
import reconstruct_shapes as data
import trimesh
from prepare import row, table
from scipy.spatial import cKDTree

from isofield import datasets, io, surfaces
from isofield.configs import PrepareConfig
from isofield.datasets.prepare_shape import distance_of
from isofield.datasets.quality_gate import faces_of, judge
from isofield.datasets.views import surrounding_pictures
from isofield.sampling import training_samples
from isofield.sampling.visibility import visible
from isofield.solids.signed_distance import signed_distance
from isofield.solids.solid_parts import sort
from isofield.solids.union import outer as hull_of
from isofield.types import RADIUS, normalization

NEAR = 1e-3
"""Of the radius."""
COUNT = 50_000
"""Samples of an assembly; points of a surface."""


def agreement(name: str) -> np.ndarray:
    """(COUNT,) differences of signed distance between an assembly without inner walls and its truth, in radii."""
    mesh, truth = (io.read(data.data() / folder / f"{name}.ply") for folder in ("objects", "objects_truth"))
    space = normalization(np.asarray(mesh.vertices))
    hull, _ = hull_of(sort(space.apply(mesh.vertices), np.asarray(mesh.faces)))
    known = sort(space.apply(truth.vertices), np.asarray(truth.faces))
    random = np.random.default_rng(0)
    points, _ = training_samples.surface(known.vertices, known.solid, COUNT, random)
    rows = training_samples.signed(signed_distance(known, 0), points, COUNT, (0.005, 0.0005), 47 / 50, random)
    return np.abs(signed_distance(hull, 0)(rows[:, :3]) - rows[:, 3]) / RADIUS


def outer(sign: str, every: int) -> None:
    """The table of unions."""
    names = datasets.read_split(data.data() / "objects/test.json")
    found = joblib.Parallel(2)(joblib.delayed(agreement)(name.rpartition("/")[2]) for name in names)
    share = np.array([(one <= NEAR).mean() for one in found])
    table("assemblies", "points within a thousandth, mean", "worst", "with 99.9 % of them", "worst 99.9 % quantile")
    worst = max(float(np.quantile(one, 0.999)) for one in found)
    row(len(share), f"{100 * share.mean():.3f} %", f"{100 * share.min():.2f} %", (share >= 0.999).sum(), f"{worst:.1e}")


def gate(sign: str, every: int) -> None:
    """The tables of outcomes."""
    for folder in ("soups", "objects"):
        with tempfile.TemporaryDirectory() as name:
            config = PrepareConfig(count=2000, points=2000, sign=sign)  # type: ignore[arg-type]
            records = datasets.prepare(data.data() / folder, Path(name) / "out", config)
        table(folder, "accepted", "repaired", "rejected", "why")
        for label in [*sorted({record.label for record in records}), "all"]:
            some = [record for record in records if label in ("all", record.label)]
            number = Counter(record.outcome for record in some)
            why = Counter(record.reason.split(":")[0] for record in some if record.outcome == "reject")
            told = ", ".join(f"{reason} {n}" for reason, n in why.most_common())
            row(label or "-", number["accept"], number["repair"], number["reject"], told)


def surface_of(path: Path, sign: str) -> tuple[str, bool, float, float] | None:
    """Class, whether the zero set is closed, and mean distances from it to the visible points and back, in radii."""
    config = PrepareConfig(sign=sign)  # type: ignore[arg-type]
    judged = judge(str(path), config)
    if judged.solids is None:
        return None
    distance = distance_of(judged, config)
    box = np.full(3, 1.05)
    mesh = surfaces.extract(lambda x: np.nan_to_num(distance(x), nan=1.0), -box, box, 128).mesh
    vertices, faces = judged.solids.vertices, faces_of(judged.solids)
    seen = visible(vertices, faces, surrounding_pictures(vertices, faces)).points
    seen = seen[np.random.default_rng(0).permutation(len(seen))]
    points, _ = trimesh.sample.sample_surface(mesh, COUNT, seed=0)
    there = cKDTree(seen[:2_000_000]).query(points)[0].mean()
    back = np.abs(signed_distance(sort(np.asarray(mesh.vertices), np.asarray(mesh.faces)), 0)(seen[:COUNT])).mean()
    return path.parent.name, surfaces.check(mesh).closed, float(there) / RADIUS, float(back) / RADIUS


def whole(sign: str, every: int) -> None:
    """The table of surfaces."""
    chosen = sorted((data.data() / "soups").rglob("*.ply"))[::3] + sorted((data.data() / "objects").glob("*.ply"))[::10]
    jobs = joblib.Parallel(2)
    found = [one for one in jobs(joblib.delayed(surface_of)(path, sign) for path in chosen[::every]) if one]
    table("class", "shapes", "closed", "to visible points, mean (worst), % of the radius", "back, mean (worst)")
    for label in [*sorted({one[0] for one in found}), "all"]:
        some = [one for one in found if label in ("all", one[0])]
        there, back = (100 * np.array([one[k] for one in some]) for k in (2, 3))
        row(
            label, len(some), sum(one[1] for one in some), f"{there.mean():.2f} ({there.max():.2f})",
            f"{back.mean():.2f} ({back.max():.2f})",
        )  # fmt: skip


def main() -> None:
    """Print one table."""
    tables = {"outer": outer, "gate": gate, "surfaces": whole}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="?", choices=tables, default="outer")
    parser.add_argument("sign", nargs="?", choices=("winding", "visibility", "parity"), default="winding")
    parser.add_argument("every", nargs="?", type=int, default=1)
    args = parser.parse_args()
    tables[args.table](args.sign, args.every)


if __name__ == "__main__":
    main()
