"""The work of `isofield fit`: one planned job after the other, from its input to its files."""

from __future__ import annotations

import gc
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from isofield.cli import output
from isofield.cli.forming import forming
from isofield.cli.progress import finishing, shown
from isofield.configs.common import noise_of
from isofield.stopwatch import measured, stage

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import trimesh

    from isofield.api import SDF, Extraction
    from isofield.api.fit import Watch
    from isofield.cli.fit import Fit, Job
    from isofield.types import Cloud, ProgressCallback, View

PREVIEW = (800, 800)
"""Pixels of each half of a preview."""
FIRST = (400, 400)
"""Pixels of each half while the surface forms."""


def one(job: Job, options: Fit[Any]) -> int:
    """Fits one input and prints the results: the exit status."""
    path = job.preview
    picture = None if path is None or path.suffix.lower() != ".png" else partial(_picture, path, size=FIRST)
    with forming(job.label, options.frames, options.view, picture) as watch:
        figures, following = run(job, options, watch)
        output.show(figures, options.json, following)
    return 0


def run(job: Job, options: Fit[Any], watch: Watch | None = None) -> tuple[dict[str, Any], str]:
    """Fit one input and write its files: the results, and the command to type next. watch: as in `api.fit`."""
    with measured() as times:
        figures, following = _fitted(job, options, watch)
    return {**figures, "seconds": round(times.total[0], 2), "stages": times.table()}, following


def _fitted(job: Job, options: Fit[Any], watch: Watch | None) -> tuple[dict[str, Any], str]:
    """`run` without the times."""
    with stage("imports"), loading():
        from isofield import api
        from isofield.cli.fit_doubts import Outcome, doubts

    with shown(job.label, options.progress) as report:
        sdf = _field(job, options, report, watch)
        with finishing(job.label, begun=sdf.interrupted):
            report("extracting the surface", 0.0)
            extraction = sdf.extract(options.resolution, keep_all=options.keep_all, close_holes=options.close_holes)
            fit = api.fit_report(extraction.mesh, sdf.points, sdf.spacing, sdf.left_out, sdf.sensors)
            extraction = api.postprocess(
                sdf,
                extraction,
                largest=options.largest,
                faces=options.faces,
                trim=options.trim,
                confidence=options.confidence,
            )
            with stage("writing"):
                files = _write(job, sdf, extraction)
    of_mesh = output.of_extraction(extraction)
    for sentence in doubts(Outcome.of(sdf, extraction, fit, of_mesh), options):
        warnings.warn(f"{job.label}: {sentence}", stacklevel=2)
    figures: dict[str, Any] = {
        "input": ", ".join(map(str, job.merged)) or str(job.source),
        **_input_summary(sdf),
        "surface": _surface(sdf) + _closing(sdf, options, of_mesh["watertight"]),
        "median": fit.median,
        "p95": fit.p95,
        "unseen": fit.unseen,
        "rays_met": None if fit.rays is None else fit.rays.met,
        "rays_blocked": None if fit.rays is None else fit.rays.blocked,
        **of_mesh,
        "interrupted": sdf.interrupted,
        "files": files,
    }
    return figures, _following(job, extraction.resolution)


def _field(job: Job, options: Fit[Any], report: ProgressCallback, watch: Watch | None) -> SDF:
    """Read and fit one input."""
    from isofield import api

    picture = _version(job.preview)
    try:
        viewpoint = options.viewpoint
        positions = None if viewpoint is None else api.read_viewpoint(viewpoint)
        given: Any = job.source
        if job.merged:
            of_scans = positions is not None and positions.ndim == 2 and len(positions) > 1 and not options.camera
            given = _merged(job, options, positions if of_scans else None)
            viewpoint = None if of_scans else viewpoint
        return api.fit(
            given,
            method=options.method,
            quality=options.quality,
            config=options.settings,
            noise=noise_of(options.noise),
            surface=options.surface,
            viewpoint=viewpoint,
            up=None if options.up is None else api.read_up(options.up),
            normals=options.normals,
            drop_floor=options.drop_floor,
            seed=options.seed,
            device=options.device,
            progress=report,
            watch=watch,
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"interrupted: {job.label} has no field yet, and nothing was written for it"
            + ("." if _version(job.preview) == picture else f" but what {job.preview} shows.")
        ) from None


def _version(path: Path | None) -> int | None:
    """The modification time of a file in nanoseconds; None for a missing file."""
    return path.stat().st_mtime_ns if path is not None and path.is_file() else None


def _merged(job: Job, options: Fit[Any], sensors: np.ndarray | None) -> Cloud | list[View]:
    """All scans of one shape as one cloud, or its depth images; sensors: (k, 3) of the scans or of all their points, or
    None. Raises InputError for another number of them."""
    import numpy as np

    from isofield import io
    from isofield.errors import InputError
    from isofield.files import printable
    from isofield.points import merge_scans
    from isofield.types import Cloud

    if options.camera is not None:
        return io.read_views(job.merged, options.camera)
    scans = {printable(path): io.read(path) for path in job.merged}
    if sensors is not None:
        counts = [len(scan.points) if isinstance(scan, Cloud) else 1 for scan in scans.values()]
        if len(sensors) == len(scans):
            sensors = np.repeat(sensors, counts, axis=0)
        clouds = [scan for scan in scans.values() if isinstance(scan, Cloud)]
        pixels = [np.ones(len(scan.points), bool) if scan.pixels is None else scan.pixels for scan in clouds]
        if len(clouds) == len(scans) and len(sensors) == sum(map(len, pixels)):
            sensors = sensors[np.concatenate(pixels)]
        if len(sensors) != sum(counts):
            raise InputError(
                f"{printable(options.viewpoint or '')} has {len(sensors)} rows, and there are {len(scans)} scans of "
                f"{sum(counts)} points: give one position, or one for each scan or point."
            )
        for (name, scan), of_scan in zip(scans.items(), np.split(sensors, np.cumsum(counts)[:-1]), strict=True):
            if isinstance(scan, Cloud):
                scans[name] = replace(scan, sensors=of_scan)
    return merge_scans(scans, io.read_poses(options.poses) if options.poses else None)


def _write(job: Job, sdf: SDF, extraction: Extraction) -> list[str]:
    """Write the files of one input: their names."""
    from isofield import io

    io.write_mesh(extraction.mesh, job.mesh)
    files = [str(job.mesh)]
    if job.field is not None:
        sdf.save(job.field)
        files.append(f"{job.field}/")
    if job.preview is not None:
        _picture(job.preview, sdf, extraction.mesh)
        files.append(str(job.preview))
    return files


def _picture(path: Path, sdf: SDF, mesh: trimesh.Trimesh, size: tuple[int, int] = PREVIEW) -> None:
    """Write a picture of the points and the mesh, each half of this size in pixels, or an animation of them."""
    from isofield import api, render
    from isofield.surfaces import reduced
    from isofield.types import Cloud

    path.parent.mkdir(parents=True, exist_ok=True)
    caption = "scan" if sdf.provenance.get("faces") is None else "points on its faces"
    sensors = render.sensors_of_room(mesh, sdf.points) if sdf.sensors is None else sdf.sensors
    cloud = Cloud(sdf.points, colors=sdf.colors, sensors=sensors)
    if path.suffix.lower() != ".png":
        render.turntable(
            reduced(mesh)[0], path, up=render.up_axis(mesh.vertices), beside=Cloud(sdf.points, colors=sdf.colors)
        )
        return
    if (found := render.sensor_view(cloud, size)) is not None:
        view, inside = found
        if inside:
            mesh, cloud = render.cut_away(mesh, cloud, view)
    else:
        seen = api.observed(mesh.vertices, sdf.points, sdf.spacing)
        view = render.camera_for(mesh, size=size, up=render.up_axis(mesh.vertices), observed=seen)
    render.side_by_side(cloud, mesh, path, captions=(caption, "isofield"), view=view)


def _input_summary(sdf: SDF) -> dict[str, Any]:
    """What the input was like, out of the field's provenance."""
    points = sdf.provenance["points"]
    return {
        **_faces_or_points(sdf),
        "floor": points["floor"],
        "outliers": points["outliers"],
        "outlier_pieces": points["pieces"] or None,
        "largest_piece": points["largest_piece"] or None,
        "points_used": points["used"],
        "noise": sdf.provenance["noise"],
        "sensors": _sensors(sdf),
        "normals": _normals(sdf),
        "method": sdf.provenance["method"],
        "quality": sdf.provenance["quality"],
        "kind": sdf.kind,
    }


def _closing(sdf: SDF, options: Fit[Any], watertight: bool) -> str:
    """What is to be added where the mesh of an open surface is closed."""
    if not (sdf.open and watertight):
        return ""
    return "; the mesh is closed" + (" by --close-holes" if options.close_holes else "")


def _surface(sdf: SDF) -> str:
    """Open or closed, and why."""
    reason = sdf.provenance.get("surface", {}).get("reason")
    return ("open" if sdf.open else "closed") + (f": {reason}" if reason else "")


def _sensors(sdf: SDF) -> str | None:
    """How many of the points have a sensor; None for a mesh."""
    import numpy as np

    if sdf.provenance.get("faces") is not None:
        return None
    if sdf.sensors is None:
        return "unknown"
    return f"known for {100 * np.isfinite(sdf.sensors).all(1).mean():.0f} % of the points"


def _normals(sdf: SDF) -> str | None:
    """How the normals that came with the points were used; None without any."""
    given = sdf.provenance.get("normals")
    if given is None or (given["turned"] is None and given["use"] != "ignore"):
        return None
    if given["use"] == "ignore":
        return "found from the points; those of the input are ignored"
    if given["turned"] == 0:
        return "as in the input" + (", trusted" if given["use"] == "trust" else "")
    share = "all" if given["turned"] == 1 else f"{100 * given['turned']:.2g} %"
    return f"as in the input, {share} of them with the opposite sign"


def _faces_or_points(sdf: SDF) -> dict[str, Any]:
    """How much the input had: the faces of a mesh, sampled or as they are, or points."""
    faces, given = sdf.provenance.get("faces"), sdf.provenance["points"]["given"]
    if sdf.provenance["method"] == "triangles":
        return {"given_faces": faces, "points": given}
    return {"sampled": faces, "points": given}


def _following(job: Job, cells: int | None) -> str:
    """What to run after a fit whose mesh has this many cells, or the input's faces."""
    if job.field is not None and cells is not None:
        field, mesh = output.quoted(job.field), output.quoted(job.mesh.with_name("fine.ply"))
        return f"isofield mesh {field} -o {mesh} --resolution {min(2 * cells, 1024)}"
    return f"isofield info {output.quoted(job.mesh)}"


@contextmanager
def loading() -> Iterator[None]:
    """No garbage is collected inside the block, and objects made there are exempt from later collections.

    SciPy and trimesh, and torch where a method needs it, make up to half a million objects that live to the end. To
    look for cycles among them while they are loaded takes up to a third of a second.
    """
    if "trimesh" in sys.modules:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
