"""The protocol of SAL and SALD on scans of bodies: reconstructions against registrations and against raw scans.

G are samples of the reconstruction ("gen" in the released code), R of the registration, S of the scan: 30 000 each,
uniform by area; d(A, B) are the distances from each sample of A to the nearest sample of B, in the files' unit (in
D-FAUST, metres). SALD (Atzmon and Lipman 2021; `evaluate/eval.py` and `utils/general.py` of the released code) writes
four means of d; SAL (2020; `evaluate/evaluate.py`) writes means of d², so that the two cannot be compared.
Differences: S is drawn from the scan itself, while SALD draws 173² = 29 929 of its prepared points and SAL takes the
input of its encoder; a scan without a surface is kept, while SALD leaves it out of its table.

The standing height, for figures without a unit, is the median extent along y of a subject's registrations that are
evaluated: no pose alone has it (raised arms add a quarter, a bow takes a tenth).
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh

from isofield import io
from isofield.errors import InputError
from isofield.evaluate import distances as d
from isofield.evaluate.comparison import SAMPLES, SEED, MeshOrCloud, Scores, score
from isofield.evaluate.distances import Matches, match
from isofield.evaluate.folders import Pair, Result, Results, named
from isofield.evaluate.metric import Metric
from isofield.evaluate.metrics import LENGTH, YES_OR_NO
from isofield.evaluate.surface_samples import SurfaceSamples, check_sampling, read_surface, sample_surface, used_points
from isofield.evaluate.topology import Topology, topology
from isofield.solids.triangles import distance_to
from isofield.types import ProgressCallback

POINTS = 30_000
"""Samples per shape."""
UP = 1
"""The axis of the standing height."""
WITHIN = 0.01
"""A registration's point is reached where the result is within this fraction of the standing height."""
HEIGHT, PERCENT = "standing_height", "% of height"


@dataclass(frozen=True)
class Body:
    """A reconstruction beside its registration and its scan.

    registration, scan: nearest neighbours between its samples and theirs (`forward`: from the reconstruction); scan is
    None without one. to_surface: (n,) exact distances of the registration's samples to the reconstruction's triangles.
    topology: the reconstruction's. height: the subject's standing height. Lengths are in the files' unit.
    """

    registration: Matches
    scan: Matches | None
    to_surface: np.ndarray
    topology: Topology
    height: float


@dataclass(frozen=True)
class Triple:
    """A reconstruction, its registration and its scan, if any; pred is None where there is no reconstruction."""

    name: str
    pred: Path | None
    registration: Path
    scan: Path | None


def triples(
    pred: str | os.PathLike[str],
    registrations: str | os.PathLike[str],
    scans: str | os.PathLike[str] | None = None,
    ids: Collection[str] | None = None,
) -> tuple[list[Triple], list[str]]:
    """The registrations with the reconstruction and the scan of the same path below their folders, sorted by name, and
    one sentence for each reconstruction without a registration, and each registration without a scan.

    ids: the names to take of folders, by default all. Raises InputError as `folders.named` does.
    """
    predictions, truths = named(pred, registrations, ids)
    observed = named(pred, scans, ids)[1] if scans is not None else {}
    missing = [f"{predictions[n]} has no partner in {registrations}." for n in sorted(predictions.keys() - truths)]
    if scans is not None:
        missing += [f"{truths[name]} has no scan in {scans}." for name in sorted(truths.keys() - observed)]
    return [Triple(n, predictions.get(n), truths[n], observed.get(n)) for n in sorted(truths)], missing


def evaluate(
    every: Iterable[Triple], *, samples: int = POINTS, seed: int = 0, floor: bool = True, missing: Iterable[str] = (),
    progress: ProgressCallback | None = None,
) -> Results:  # fmt: skip
    """Scores reconstructions with `METRICS`; one that is missing, or has no surface, is a Result with its problem.

    samples: points drawn from each surface. seed: of the sampling. floor: also score every registration, sampled anew,
    as if it were the result (`floor_` and `truth_` of each key, as in `compare`). missing: further problems to keep.
    Raises InputError for options out of range.
    """
    every = list(every)
    check_sampling(samples, seed)
    heights, results = standing_heights(every), list[Result]()
    for row, triple in enumerate(every):
        if progress is not None:
            progress(f"{len(every)} reconstructions", row / len(every))
        results.append(_result(triple, heights, samples, seed, floor))
    return Results(results, list(missing))


def standing_heights(every: Iterable[Triple]) -> dict[str, float]:
    """{subject: median extent of its registrations along y, in the files' unit}; a subject is the first folder of a
    name, or the whole name. Registrations that cannot be read are left out."""
    extents = defaultdict[str, list[float]](list)
    for triple in every:
        try:
            points = used_points(io.read(triple.registration), str(triple.registration))
        except InputError:
            continue
        extents[_subject(triple.name)].append(float(np.ptp(points[:, UP])))
    return {subject: float(np.median(values)) for subject, values in extents.items()}


def _subject(name: str) -> str:
    return name.split("/")[0]


def _result(triple: Triple, heights: dict[str, float], samples: int, seed: int, floor: bool) -> Result:
    if triple.pred is None:
        pair = Pair(triple.name, Path(), triple.registration)
        return Result(
            pair, None,
            f"{triple.name} has no reconstruction: meshes are matched to registrations by their paths "
            "(SUBJECT/SEQUENCE/FRAME); --split leaves out those that were not inferred.",
        )  # fmt: skip
    pair = Pair(triple.name, triple.pred, triple.registration)
    try:
        registration = read_surface(triple.registration)
        scan = None if triple.scan is None else io.read(triple.scan)
        height = heights[_subject(triple.name)]
        return Result(pair, compare(read_surface(triple.pred), registration, scan, height, samples, seed, floor))
    except InputError as problem:
        return Result(pair, None, str(problem))


def compare(
    pred: trimesh.Trimesh,
    registration: trimesh.Trimesh,
    scan: MeshOrCloud | None,
    height: float,
    samples: int = POINTS,
    seed: int = 0,
    floor: bool = True,
) -> Scores:
    """{key: number} of one reconstruction by `METRICS`, all shapes in the same frame and unit; None without a scan.

    scan: a mesh, or a cloud (at most `samples` of its points are used). height: the subject's standing height, > 0.
    Raises InputError where a shape cannot be sampled.
    """
    if not height > 0:
        raise InputError("the registration has no extent along y: give registrations that stand, with y up.")
    if scan is not None:
        used_points(scan, "the scan")
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(4)]
    of_pred = sample_surface(pred, samples, streams[0], "the reconstruction")
    of_registration = sample_surface(registration, samples, streams[1], "the registration")
    of_scan = None if scan is None else sample_surface(scan, samples, streams[2], "the scan")
    body = _body(pred, of_pred, of_registration, of_scan, height)
    scores = {metric.key: score(metric, body) for metric in METRICS}
    if floor:
        again = sample_surface(registration, samples, streams[3], "the registration")
        itself = _body(registration, again, of_registration, of_scan, height)
        scores |= {f"{'truth' if m.describes else 'floor'}_{m.key}": score(m, itself) for m in METRICS}
    return scores | {HEIGHT: height, SAMPLES: samples, SEED: seed}


def _body(
    mesh: trimesh.Trimesh,
    drawn: SurfaceSamples,
    registration: SurfaceSamples,
    scan: SurfaceSamples | None,
    height: float,
) -> Body:
    return Body(
        match(drawn, registration), None if scan is None else match(drawn, scan),
        distance_to(mesh.vertices, mesh.faces)(registration.points), topology(mesh), height,
    )  # fmt: skip


def _of_scan(forward: bool, b: Body) -> float | None:
    if b.scan is None:
        return None
    return float((b.scan.forward if forward else b.scan.backward).mean())


METRICS: tuple[Metric[Body], ...] = (
    Metric("reg_chamfer_height", "Chamfer-L1, registration", "down", PERCENT,
           "(mean d(R,G) + mean d(G,R)) / 2 / standing height x 100",
           lambda b: 100 * d.chamfer_l1(b.registration) / b.height, column="Chamfer %"),
    Metric("reg_to_gen_chamfer", "registration to result", "down", LENGTH, "mean d(R,G) (SALD)",
           lambda b: float(b.registration.backward.mean()), column="reg→gen"),
    Metric("gen_to_reg_chamfer", "result to registration", "down", LENGTH, "mean d(G,R) (SALD)",
           lambda b: float(b.registration.forward.mean()), column="gen→reg"),
    Metric("reg_chamfer", "registration, two-sided", "down", LENGTH, "(mean d(R,G) + mean d(G,R)) / 2",
           lambda b: d.chamfer_l1(b.registration)),
    Metric("scan_to_gen_chamfer", "scan to result", "down", LENGTH, "mean d(S,G) (SALD)",
           lambda b: _of_scan(False, b), column="scan→gen"),
    Metric("gen_to_scan_chamfer", "result to scan", "down", LENGTH, "mean d(G,S) (SALD)",
           lambda b: _of_scan(True, b), column="gen→scan"),
    Metric("scan_chamfer", "scan, two-sided", "down", LENGTH, "(mean d(S,G) + mean d(G,S)) / 2",
           lambda b: None if b.scan is None else d.chamfer_l1(b.scan)),
    Metric("sal_reg_chamfer", "SAL, registration", "down", f"{LENGTH}²", "mean d(R,G)² + mean d(G,R)² (SAL)",
           lambda b: 2 * d.chamfer_l2(b.registration)),
    Metric("sal_scan_chamfer", "SAL, result to scan", "down", f"{LENGTH}²", "mean d(G,S)² (SAL)",
           lambda b: None if b.scan is None else float(np.square(b.scan.forward).mean())),
    Metric("normal_consistency", "normals, registration", "up", "cosine",
           "(mean |n(g).n(r)| over G + the same over R) / 2, normals of nearest samples",
           lambda b: d.normal_consistency(b.registration), column="normals"),
    Metric("reg_to_surface", "registration to surface", "down", PERCENT,
           "mean distance of R to the result's triangles, exact, / standing height x 100",
           lambda b: 100 * float(b.to_surface.mean()) / b.height),
    Metric("reg_within", "registration within 1 %", "up", "share",
           "share of R within 1 % of the standing height of the result's triangles",
           lambda b: float((b.to_surface <= WITHIN * b.height).mean()), column="within 1 %"),
    Metric("components", "components", "", "count", "connected parts of the result",
           lambda b: b.topology.components, column="parts", describes=True),
    Metric("watertight", "watertight", "up", YES_OR_NO, "every edge belongs to exactly two faces",
           lambda b: b.topology.watertight, column="watertight", describes=True),
)  # fmt: skip
"""The metrics of the protocol, with SALD's names for its columns; keys that begin with sal_ are SAL's."""

LEGEND = (
    "G, R, S: up to {count} points of result, registration and scan, uniform by area (seed {seed}); d(A, B): distances "
    "from the points of A to the nearest of B, in the files' unit; standing height: median extent along y of the "
    "subject's registrations. Truth itself: the registration, sampled anew, in the place of the result, in the mean."
)
"""The meaning of the letters in the formulas."""
