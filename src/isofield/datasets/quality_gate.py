"""The quality gate: a shape of a data set is accepted, repaired, or rejected with a reason."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from isofield import io
from isofield.configs import PrepareConfig
from isofield.datasets.normalization import corners_of, similarity_for
from isofield.datasets.views import surrounding_pictures
from isofield.errors import InputError
from isofield.points import check_cloud, check_faces, inliers, select, without_floor
from isofield.sampling.measured import Measured
from isofield.sampling.training_samples import surface
from isofield.sampling.visibility import Visible, visible
from isofield.solids.solid_parts import Solids, sort, volume
from isofield.solids.triangles import inside_of, parity_of
from isofield.solids.union import outer
from isofield.types import Cloud, Similarity

if TYPE_CHECKING:
    import trimesh

Outcome = Literal["accept", "repair", "reject"]
SMALLEST_HOLE = 1e-6
"""Holes below this fraction of the area are rounding errors."""
PROBES, PROBE_DISTANCE = 4000, 1e-3
"""Number of surface points whose two sides are tested, and the distance of the tests, normalised."""
FACELESS = ("unsigned", "cloud", "surface")
"""Kinds of samples for point clouds; the normals of the last one are 0 where a cloud has none."""
OUTLIERS = 0.02
"""Outliers of a cloud are left out where their share is larger: few of them are as likely a part of the surface."""
CROWDED = 0.05
"""A cloud is rejected if 99 % of its points lie within this radius, because outliers set the scale."""


@dataclass(frozen=True)
class GateResult:
    """A judged shape.

    reason: what was repaired, or why it is rejected. figures: measurements, by name. solids: its triangles, normalised,
    and similarity: from the file's units to the normalised space; None where it is rejected. cloud: its points,
    normalised, where it has no faces. visible: its visible part, for --sign visibility. measured: where a scan has
    measured it, if it was fitted. notes: warnings of the reader.
    """

    outcome: Outcome
    reason: str
    figures: dict[str, float]
    solids: Solids | None = None
    similarity: Similarity | None = None
    cloud: Cloud | None = None
    visible: Visible | None = None
    measured: Measured | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gate:
    """How files become judged shapes; both functions are given a file's path, and raise InputError.

    judge: the judged shape. extent: its points (n, 3), which a common similarity has to map into the unit ball.
    """

    judge: Callable[[str, PrepareConfig], GateResult]
    extent: Callable[[str], np.ndarray]


def judge(path: str, config: PrepareConfig, gate: Gate) -> GateResult:
    """Reads and judges one file; errors become a reason, warnings become notes."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        try:
            judged = gate.judge(path, config)
        except InputError as error:
            return GateResult("reject", str(error), {})
    return replace(judged, notes=tuple(dict.fromkeys(str(warning.message) for warning in caught)))


def judge_file(path: str, config: PrepareConfig) -> GateResult:
    """Judges the mesh or the cloud in a file as it is."""
    shape = io.read(path)
    return judge_cloud(shape, path, config) if isinstance(shape, Cloud) else judge_mesh(shape, path, config)


def extent_of(path: str) -> np.ndarray:
    """The points (n, 3) of the cloud in a file, or those that the faces of its mesh use."""
    shape = io.read(path)
    return check_cloud(shape, path).points if isinstance(shape, Cloud) else corners_of(check_faces(shape, path))


AS_THEY_ARE = Gate(judge_file, extent_of)
"""Meshes and clouds as they are in the files."""


def judge_mesh(mesh: trimesh.Trimesh, name: str, config: PrepareConfig, extent: np.ndarray | None = None) -> GateResult:
    """Judges a mesh; name: for messages. extent: the points (n, 3) that are normalised, by default those that its faces
    use. Warns as `check_faces` does."""
    given = len(mesh.faces)
    try:
        mesh = check_faces(mesh, name)
        checked = len(mesh.faces)
        if config.drop_floor:
            mesh = without_floor(mesh)[0]
        similarity = similarity_for(corners_of(mesh) if extent is None else extent, config)
    except InputError as error:
        return GateResult("reject", str(error), {})
    solids = sort(similarity.apply(mesh.vertices), np.asarray(mesh.faces))
    figures: dict[str, float] = {
        "faces": given, "parts": solids.parts, "dropped": solids.dropped + given - checked,
        "turned": solids.turned, "sheets": round(solids.sheets, 4), "holes": round(solids.holes, 4),
    }  # fmt: skip
    reasons = []
    if config.drop_floor:
        figures["floor"] = round(1 - len(mesh.faces) / checked, 4)
        if figures["floor"]:
            reasons.append(f"a floor ({_percent(figures['floor'])} of the faces) is left out")
    if figures["dropped"]:
        reasons.append(f"{figures['dropped']:.0f} faces without area, not finite or repeated are left out")
    if config.sign == "visibility":
        return _judge_visible(solids, reasons, figures, similarity, config)
    if solids.turned:
        reasons.append(f"{solids.turned} faces are reversed to point outward")
    if solids.holes > SMALLEST_HOLE:
        reasons.append(f"holes of {_percent(solids.holes)} of the area are closed")
    if config.thickness == 0 and solids.sheets > config.max_sheets:
        return GateResult("reject", f"sheet: {_percent(solids.sheets)} of the area encloses nothing", figures)
    if len(solids.sheet) and {"signed", "levelset", "occupancy"} & set(config.samples):
        wide = f"{config.thickness:.3g} normalised, {config.thickness / similarity.scale:.3g} in the units of the mesh"
        what = f"are thickened to {wide}" if config.thickness else "are left out"
        reasons.append(f"sheets ({_percent(solids.sheets)} of the area) {what}")
    if len(solids.solid):
        if config.outer:
            solids = _outer(solids, reasons)
        inner, thin, wrong = wall_shares(solids, config.sign == "parity")
        figures |= {"inner": inner, "thin": thin, "wrong": wrong}
        figures["volume"] = volume(solids.vertices, solids.solid)
        if thin > config.max_thin:
            return GateResult(
                "reject", f"thin: {_percent(thin)} of the surface is thinner than {2 * PROBE_DISTANCE:g}", figures
            )
        if wrong > config.max_turned:
            return GateResult("reject", f"inverted: {_percent(wrong)} of the surface is inside out", figures)
    outcome: Outcome = "repair" if reasons else "accept"
    if config.thickness == 0:
        solids = replace(solids, sheet=solids.sheet[:0])
    return GateResult(outcome, "; ".join(reasons), figures, solids, similarity)


def _outer(solids: Solids, reasons: list[str]) -> Solids:
    """The outer surface of overlapping parts; what is left of inner walls is added to the reasons."""
    solids, lost = outer(solids)
    if lost:
        reasons.append(f"{lost} {'part is' if lost == 1 else 'parts are'} not closed and keep the inner walls")
    return solids


def _percent(share: float) -> str:
    return f"{float(f'{100 * share:.2g}'):g} %"


def _judge_visible(
    solids: Solids, reasons: list[str], figures: dict[str, float], similarity: Similarity, config: PrepareConfig
) -> GateResult:
    """Judges by visibility, as DeepSDF's preprocessing: faces that are seen from both sides have no inside."""
    if config.outer and len(solids.solid):
        solids = _outer(solids, reasons)
    faces = faces_of(solids)
    seen = visible(solids.vertices, faces, surrounding_pictures(solids.vertices, faces))
    figures = figures | {"back_pixels": seen.back_pixels, "two_sided": seen.two_sided}
    if not len(seen.points):
        return GateResult("reject", "no camera sees it", figures)
    for share, most, what in (
        (seen.back_pixels, config.max_back_pixels, "pixels show the back of a face"),
        (seen.two_sided, config.max_two_sided, "faces are seen from both sides"),
    ):
        if share > most:
            return GateResult("reject", f"two-sided: {_percent(share)} of the {what}", figures)
    return GateResult("repair" if reasons else "accept", "; ".join(reasons), figures, solids, similarity, visible=seen)


def wall_shares(solids: Solids, parity: bool = False) -> tuple[float, float, float]:
    """Fractions of the solid surface: inside on both sides (inner walls), outside on both (too thin to be tested), and
    inside where its normal points (inside out)."""
    points, normals = surface(solids.vertices, solids.solid, PROBES, np.random.default_rng(0))
    inside = (parity_of if parity else inside_of)(solids.vertices, solids.solid)
    front, back = inside(points + PROBE_DISTANCE * normals), inside(points - PROBE_DISTANCE * normals)
    return float((front & back).mean()), float((~front & ~back).mean()), float((front & ~back).mean())


def faces_of(solids: Solids) -> np.ndarray:
    """All faces (m, 3), of solid parts and sheets."""
    return np.concatenate([solids.solid, solids.sheet])


def judge_cloud(cloud: Cloud, path: str, config: PrepareConfig) -> GateResult:
    """Judges a point cloud, whose outliers are left out where they are many. Raises InputError for points that are
    not a surface."""
    given = len(cloud.points)
    cloud = check_cloud(cloud, path)
    figures: dict[str, float] = {"faces": 0, "points": given, "dropped": given - len(cloud.points), "outliers": 0}
    kept = inliers(cloud.points)
    if (~kept).mean() > OUTLIERS:
        cloud, figures["outliers"] = select(cloud, kept), int((~kept).sum())
    more = [kind for kind in config.samples if kind not in FACELESS]
    if more:
        remedy = f"use --samples {' '.join(FACELESS)}, or fit scans first: --fit"
        return GateResult("reject", f"points without faces have no {' and no '.join(more)} samples: {remedy}", figures)
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
    reasons = []
    if figures["dropped"]:
        reasons.append(f"{figures['dropped']:.0f} points that are not finite are left out")
    if figures["outliers"]:
        reasons.append(f"{figures['outliers']:.0f} of {given} points are left out as outliers")
    if "surface" in config.samples and cloud.normals is None:
        reasons.append("points without normals: those of the surface samples are 0")
    return GateResult("repair" if reasons else "accept", "; ".join(reasons), figures, None, similarity, cloud)
