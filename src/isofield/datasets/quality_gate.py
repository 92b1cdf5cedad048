"""The quality gate: what a shape of a data set is worth, and what has to be mended before it can teach anything."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from isofield import io
from isofield.configs import PrepareConfig
from isofield.datasets.normalization import corners_of, similarity_for
from isofield.datasets.visibility import Seen, look
from isofield.errors import InputError
from isofield.points import check_cloud, check_faces
from isofield.sampling.training_samples import surface
from isofield.solids.solid_parts import Solids, sort, volume
from isofield.solids.triangles import inside_of, parity_of
from isofield.solids.union import outer
from isofield.types import Cloud, Similarity

if TYPE_CHECKING:
    import trimesh

Outcome = Literal["accept", "repair", "reject"]
LEAST = 1e-6
"""Holes with less than this share of the area are rounding."""
PROBES, AWAY = 4000, 1e-3
"""Points of the surface whose two sides are asked, and how far from it, normalised."""


@dataclass(frozen=True)
class GateResult:
    """A shape after the gate.

    reason: why it is not simply accepted, "" where it is. figures: what was counted, by name. solids: its triangles,
    normalised, and similarity: the way there from the file's units; None where it is rejected. cloud: its points,
    normalised, where it has no faces. seen: what cameras see of its triangles, where they tell its sides.
    """

    outcome: Outcome
    reason: str
    figures: dict[str, float]
    solids: Solids | None = None
    similarity: Similarity | None = None
    cloud: Cloud | None = None
    seen: Seen | None = None


def judge(path: str, config: PrepareConfig) -> GateResult:
    """Reads and judges one file; what is wrong with it becomes a reason, not an error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mesh = io.read(path)
            if isinstance(mesh, Cloud):
                return judge_cloud(mesh, path, config)
    except InputError as error:
        return GateResult("reject", str(error), {})
    return judge_mesh(mesh, path, config)


def judge_mesh(mesh: trimesh.Trimesh, name: str, config: PrepareConfig) -> GateResult:
    """Judges a mesh, which messages call by its name."""
    given = len(mesh.faces)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mesh = check_faces(mesh, name)
            similarity = similarity_for(corners_of(mesh), config)
    except InputError as error:
        return GateResult("reject", str(error), {})
    solids = sort(similarity.apply(mesh.vertices), np.asarray(mesh.faces))
    figures: dict[str, float] = {
        "faces": given, "parts": solids.parts, "dropped": solids.dropped + given - len(mesh.faces),
        "turned": solids.turned, "sheets": round(solids.sheets, 4), "holes": round(solids.holes, 4),
    }  # fmt: skip
    reasons = []
    if figures["dropped"]:
        reasons.append(f"{figures['dropped']:.0f} faces without area, not finite or repeated are left out")
    if config.sign == "visibility":
        return _judge_seen(solids, reasons, figures, similarity, config)
    if solids.turned:
        reasons.append(f"{solids.turned} faces are turned outward")
    if solids.holes > LEAST:
        reasons.append(f"holes of {_percent(solids.holes)} of the area are closed")
    if config.thickness == 0 and solids.sheets > config.sheets:
        return GateResult("reject", f"sheet: {_percent(solids.sheets)} of the area encloses nothing", figures)
    if len(solids.sheet) and {"signed", "levelset", "occupancy"} & set(config.samples):
        what = f"become walls {config.thickness:g} thick" if config.thickness else "are left out"
        reasons.append(f"sheets ({_percent(solids.sheets)} of the area) {what}")
    if len(solids.solid):
        if config.outer:
            solids, lost = outer(solids)
            if lost:
                reasons.append(f"{lost} parts are not closed and keep their inner walls")
        inner, thin, wrong = sides(solids, config.sign == "parity")
        figures |= {"inner": inner, "thin": thin, "wrong": wrong}
        figures["volume"] = volume(solids.vertices, solids.solid)
        if thin > config.thin:
            return GateResult("reject", f"thin: {_percent(thin)} of the surface is thinner than can be told", figures)
        if wrong > config.turned:
            return GateResult("reject", f"sides: {_percent(wrong)} of the surface is inside out", figures)
    outcome: Outcome = "repair" if reasons else "accept"
    if config.thickness == 0:
        solids = replace(solids, sheet=solids.sheet[:0])
    return GateResult(outcome, "; ".join(reasons), figures, solids, similarity)


def _percent(share: float) -> str:
    return f"{float(f'{100 * share:.2g}'):g} %"


def _judge_seen(
    solids: Solids, reasons: list[str], figures: dict[str, float], similarity: Similarity, config: PrepareConfig
) -> GateResult:
    """Judges by what cameras see, as DeepSDF's preprocessing: a face that is seen from both sides has no inside."""
    if config.outer and len(solids.solid):
        solids, lost = outer(solids)
        if lost:
            reasons = [*reasons, f"{lost} parts are not closed and keep their inner walls"]
    seen = look(solids.vertices, faces_of(solids))
    figures = figures | {"both": seen.both, "bad": seen.bad}
    if not len(seen.points):
        return GateResult("reject", "no camera sees it", figures)
    if seen.both > config.both:
        return GateResult("reject", f"both sides: {_percent(seen.both)} of the pixels see the back of a face", figures)
    if seen.bad > config.bad:
        return GateResult(
            "reject", f"both sides: {_percent(seen.bad)} of the faces are seen from front and back", figures
        )
    return GateResult("repair" if reasons else "accept", "; ".join(reasons), figures, solids, similarity, seen=seen)


def sides(solids: Solids, parity: bool = False) -> tuple[float, float, float]:
    """Shares of the solid surface: with inside on both sides (inner walls), with outside on both (thinner than can be
    told), and with inside where its normal points."""
    points, normals = surface(solids.vertices, solids.solid, PROBES, np.random.default_rng(0))
    inside = (parity_of if parity else inside_of)(solids.vertices, solids.solid)
    out, within = inside(points + AWAY * normals), inside(points - AWAY * normals)
    return float((out & within).mean()), float((~out & ~within).mean()), float((out & ~within).mean())


def faces_of(solids: Solids) -> np.ndarray:
    """All faces (m, 3), of solid parts and of sheets."""
    return np.concatenate([solids.solid, solids.sheet])


FACELESS = ("unsigned", "cloud", "surface")
"""Kinds of samples that points without faces can have; the last needs their normals."""
CROWDED = 0.05
"""Radius of the ball that has nearly all points of a cloud whose others are only far away."""


def judge_cloud(cloud: Cloud, path: str, config: PrepareConfig) -> GateResult:
    """Judges points without faces. Raises InputError for what is no surface."""
    given = len(cloud.points)
    cloud = check_cloud(cloud, path)
    figures: dict[str, float] = {"faces": 0, "points": given, "dropped": given - len(cloud.points)}
    able = FACELESS if cloud.normals is not None else FACELESS[:2]
    more = [kind for kind in config.samples if kind not in able]
    if more == ["surface"]:
        return GateResult(
            "reject", f"points without normals: ask for --samples {' '.join(able)}, or give normals", figures
        )
    if more:
        way = f"ask for --samples {' '.join(able)}, or fit it (isofield fit FILE -o MESH.ply) and prepare the mesh"
        return GateResult("reject", f"points without faces have no {' and no '.join(more)} samples: {way}", figures)
    try:
        similarity = similarity_for(cloud.points, config)
    except InputError as error:
        return GateResult("reject", str(error), figures)
    cloud = replace(cloud, points=similarity.apply(cloud.points))
    spread = float(np.quantile(np.linalg.norm(cloud.points - np.median(cloud.points, axis=0), axis=1), 0.99))
    if spread < CROWDED:
        near = _percent(spread)
        return GateResult(
            "reject", f"far: 99 % of the points lie within {near} of the radius: remove the others", figures
        )
    reason = f"{figures['dropped']:.0f} points that are not finite are left out" if figures["dropped"] else ""
    return GateResult("repair" if reason else "accept", reason, figures, None, similarity, cloud)
