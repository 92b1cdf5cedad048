"""What may be wrong with a fit, and what to do next, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from isofield.api import SDF, Extraction, FitReport
    from isofield.cli.fit import Fit

FEW = 1000
"""Fewer points than this do not determine the surface of an open scene."""
UNLEARNED = 1.0
"""A fit has failed where the median distance of its points from the mesh is more than this many local spacings."""
OPEN = 0.05
"""Beyond this fraction of a mesh far from all points, the input may be open."""
LOST = 2.0
"""Beyond this many cells between a mesh of a chosen resolution and 5 % of the points, walls are lost."""
BLOCKED = 0.1
"""Beyond this fraction of rays that end before their points, sides or sensors are wrong."""
HANDLES, THIN, SHARE = 8, 5.0, 0.1
"""A closed mesh with more handles may have holes that its shape does not have, if this share of its walls is thinner
than `THIN` spacings: cups and plates of 0.5 to 1.1 spacings have 24 to 127 handles for 0, a gyroid of 4.9 has 65 for
20; a lattice of 6.3 has its own 28."""
LINED = 0.01
"""Beyond this share of points along lines, wires or twigs are thinner than their spacing."""
DROPPED = 10
"""From this number of dropped components on, parts are thinner than the points resolve."""


@dataclass(frozen=True)
class Outcome:
    """Figures of a fit, lengths in the input's units.

    open: the surface ends where its points end. used: number of points that were fitted. method: its name. median, p95,
    spacings, unseen: as in `FitReport`. blocked: fraction of the rays that end before their points; 0 without sensors.
    dropped: components that were left out of the mesh. cell: side of a cell of the mesh; inf without cells. handles: of
    a closed mesh, 0 for others. walls: the thickness that `SHARE` of them falls below, in spacings of the points; inf
    where there are few handles. lines: share of the points along lines. block: it closes a sheet, as asked.
    """

    open: bool
    used: int
    method: str
    median: float
    p95: float
    spacings: float
    unseen: float
    blocked: float
    dropped: int
    cell: float
    handles: int = 0
    walls: float = np.inf
    lines: float = 0.0
    block: bool = False

    @classmethod
    def of(cls, sdf: SDF, extraction: Extraction, measured: FitReport, figures: Mapping[str, Any]) -> Outcome:
        """The figures of a field, its mesh, how that fits the points, and what `output.of_extraction` says of it."""
        from isofield.api.inputs import BLOCK
        from isofield.points import along_lines
        from isofield.solids.signed_distance import wall_thickness

        handles, walls = figures["genus"] or 0, np.inf
        if handles > HANDLES:
            corners, faces = (np.ascontiguousarray(part) for part in (extraction.mesh.vertices, extraction.mesh.faces))
            walls = wall_thickness(corners, faces, share=SHARE) / sdf.spacing
        side = float(np.subtract(sdf.upper, sdf.lower).max()) / sdf.similarity.scale
        return cls(
            open=sdf.open,
            used=sdf.provenance["points"]["used"],
            method=sdf.provenance["method"],
            median=measured.median,
            p95=measured.p95,
            spacings=measured.spacings,
            unseen=measured.unseen,
            blocked=0.0 if measured.rays is None else measured.rays.blocked,
            dropped=extraction.dropped,
            cell=np.inf if extraction.resolution is None else side / extraction.resolution,
            handles=handles,
            walls=walls,
            lines=along_lines(sdf.points) if sdf.provenance["faces"] is None else 0.0,
            block=sdf.provenance["surface"]["reason"] == BLOCK,
        )


def doubts(fit: Outcome, options: Fit[Any]) -> Iterator[str]:
    """What may be wrong, each with what to do next that these options have not done already."""
    if fit.open and fit.used < FEW:
        yield f"{fit.used} points are too few to tell what the surface of an open scene is: give a denser scan"
    if fit.spacings > UNLEARNED:
        yield (
            f"the surface is far from the points, {fit.median:.3g} or {fit.spacings:.2g} of their spacings in the "
            f"median: {_finer(fit, options)}"
        )
    elif options.resolution is not None and fit.p95 > LOST * fit.cell:
        yield (
            f"5 % of the points are {fit.p95:.3g} or more from the mesh, {fit.p95 / fit.cell:.0f} cells: walls thinner "
            "than a cell are lost; give more cells (--resolution)"
        )
    elif (
        fit.unseen > OPEN
        and not (fit.open or fit.method == "triangles")
        and options.trim is None
        and options.surface == "auto"
    ):
        yield (
            f"{100 * fit.unseen:.0f} % of the mesh closes the surface where no point is: --surface open ends it where "
            "the points end"
        )
    if fit.block and options.surface == "closed":
        yield (
            "the points enclose no volume, and what closes them is 5 to 10 % of their longest side thick: leave "
            "--surface closed out for the sheet alone, and fit that mesh with --method triangles --thickness 0.01 for "
            "a thin solid"
        )
    if fit.blocked > BLOCKED:
        yield (
            f"the mesh blocks {100 * fit.blocked:.0f} % of the rays from the sensors before their points: "
            f"{_sides(fit, options)}"
        )
    if fit.handles > HANDLES and fit.walls < THIN and fit.method != "triangles":
        yield (
            f"the mesh has {fit.handles} handles, and walls of {fit.walls:.2g} spacings of the points or less: if the "
            "shape has fewer handles, the points do not resolve its walls; give more points of its surface"
        )
    if fit.lines > LINED:
        tubes = "" if options.surface == "closed" else ", or take --surface closed for tubes"
        yield (
            f"{100 * fit.lines:.0f} % of the points, about {fit.lines * fit.used:.0f}, lie along lines, as on wires or "
            "twigs thinner than the spacing of their points, which become ribbons or thin tubes, or are left out: give "
            f"more points of them{tubes}"
        )
    if fit.dropped >= DROPPED and not options.largest:
        unlearned = "" if options.method == "auto" else f"--method {options.method} may fit worse than the default, "
        yield (
            f"{fit.dropped} small components were left out of the mesh: {unlearned}parts of the shape are thinner than "
            "its points resolve, or run through each other; --keep-all keeps them, --preview shows the result"
        )


def _finer(fit: Outcome, options: Fit[Any]) -> str:
    """How to bring a surface nearer to its points."""
    if options.method != "auto":
        return f"--method {options.method} fits the points badly; leave it out"
    if options.resolution is not None:
        return "walls thinner than a cell are lost; give more cells (--resolution)"
    if options.quality != "best":
        return "the cells are wider than the details; take --quality best, or fit parts of the points alone"
    return "the cells are wider than the details; fit parts of the points alone"


def _sides(fit: Outcome, options: Fit[Any]) -> str:
    """How to keep the rays from being blocked."""
    given = [name for name in ("viewpoint", "up") if getattr(options, name) is not None]
    if given:
        return f"check --{given[0]}, and leave it out for a closed shape"
    if options.merge and len(options.inputs) > 1:
        motions = "--poses registers them" if options.poses is None else "check --poses"
        return f"the scans may lie apart ({motions}), or their sensors elsewhere (--viewpoint gives them)"
    return "give the positions of the sensors (--viewpoint, --up)" if fit.open else "take --surface open"
