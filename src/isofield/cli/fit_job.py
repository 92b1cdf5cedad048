"""The work of `isofield fit`: one planned job after the other, from its input to its files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isofield.api import SDF, Extraction
    from isofield.cli.fit import Fit
    from isofield.cli.outputs import Job
    from isofield.types import Cloud, View

UNLEARNED = 1.0
"""A fit failed whose points are farther from the mesh than this many of their spacings, in the median."""
PREVIEW = (800, 800)
"""Pixels of each half of a preview."""
DROPPED = 10
"""From this number of dropped components on, a warning."""
OPEN = 0.15
"""Beyond this fraction of a mesh far from all points, a warning that the input is open."""


def one(job: Job, options: Fit[Any]) -> int:
    """Fit one input, and say what came out: the exit status."""
    from isofield.cli import output

    figures, following = run(job, options)
    output.show(figures, options.json, following)
    return 0


def several(jobs: list[Job], options: Fit[Any]) -> int:
    """Fit one after the other: the exit status. A failing input is reported, and the others continue."""
    import sys

    from isofield.cli import output
    from isofield.cli.errors import tell

    results: list[dict[str, Any]] = []
    following, failed, stopped = "", list[str](), False
    for done, job in enumerate(jobs):
        try:
            figures, following = run(job, options)
        except Exception as error:  # a defect in one input's work is no reason to leave the others undone
            tell(error)
            results.append({"input": str(job.source), "error": str(error)})
            failed.append(str(job.source))
            continue
        results.append(figures)
        if not options.json:
            print("", *output.lines(figures), sep="\n", file=sys.stderr, flush=True)
        if figures["interrupted"] and done + 1 < len(jobs):
            print(f"the other {len(jobs) - done - 1} inputs were not begun.", file=sys.stderr)
            stopped = True
            break
    if options.json:
        output.print_json(results)
    elif following:
        print(f"next: {following}", file=sys.stderr)
    if failed:
        print(f"{len(failed)} of {len(jobs)} inputs could not be fitted: {', '.join(failed)}", file=sys.stderr)
    return 130 if stopped else 2 if failed else 0


def run(job: Job, options: Fit[Any]) -> tuple[dict[str, Any], str]:
    """Fit one input and write its files: the results, and the command to type next."""
    import time
    import warnings

    from isofield import api
    from isofield.cli import output
    from isofield.cli.progress import finishing, shown
    from isofield.configs.common import noise_of

    begun = time.perf_counter()
    with shown(job.label, options.progress) as report:
        try:
            sdf = api.fit(
                _merged(job, options) if job.merged else job.source,
                method=options.method,
                quality=options.quality,
                config=options.settings,
                noise=noise_of(options.noise),
                surface=options.surface,
                seed=options.seed,
                device=options.device,
                progress=report,
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"interrupted: {job.label} has no field yet, and nothing was written for it."
            ) from None
        with finishing(job.label, begun=sdf.interrupted):
            report("extracting the surface", 0.0)
            extraction = sdf.extract(options.resolution, keep_all=options.keep_all, close_holes=options.close_holes)
            measured = api.report(extraction.mesh, sdf.points, sdf.spacing)
            extraction = api.postprocess(
                sdf, extraction, faces=options.faces, trim=options.trim, confidence=options.confidence
            )
            files = _write(job, sdf, extraction)
    if measured.median > UNLEARNED * sdf.spacing:
        warnings.warn(
            f"{job.label}: the surface is far from the points ({measured.median:.3g} in the median, more than their "
            "spacing): the method has not learned the shape; give it more (--quality best), or take --method auto",
            stacklevel=2,
        )
    elif measured.unseen > OPEN and options.trim is None:
        warnings.warn(
            f"{job.label}: the scan is open: {100 * measured.unseen:.0f} % of the mesh closes it where no point is "
            "(--trim opens it)",
            stacklevel=2,
        )
    if extraction.dropped >= DROPPED:
        warnings.warn(
            f"{job.label}: {extraction.dropped} small components were left out of the mesh: parts of the shape are "
            "thinner than its points resolve, or run through each other; look at the result (--preview)",
            stacklevel=2,
        )
    figures: dict[str, Any] = {
        "input": ", ".join(map(str, job.merged)) or str(job.source),
        **_input_summary(sdf),
        "median": measured.median,
        "p95": measured.p95,
        "unseen": measured.unseen,
        **output.of_extraction(extraction),
        "seconds": round(time.perf_counter() - begun, 2),
        "interrupted": sdf.interrupted,
        "files": files,
    }
    return figures, _following(job)


def _merged(job: Job, options: Fit[Any]) -> Cloud | list[View]:
    """All scans of one shape as one cloud, or its depth images."""
    from isofield import io
    from isofield.files import printable
    from isofield.points import merge_scans

    if options.camera is not None:
        return io.read_views(job.merged, options.camera)
    scans = {printable(path): io.read(path) for path in job.merged}
    return merge_scans(scans, io.read_poses(options.poses) if options.poses else None)


def _write(job: Job, sdf: SDF, extraction: Extraction) -> list[str]:
    """Write the files of one input: their names."""
    from isofield import api, io, render
    from isofield.types import Cloud

    io.write_mesh(extraction.mesh, job.mesh)
    files = [str(job.mesh)]
    if job.field is not None:
        sdf.save(job.field)
        files.append(f"{job.field}/")
    if job.preview is not None:
        job.preview.parent.mkdir(parents=True, exist_ok=True)
        caption = "scan" if sdf.provenance.get("faces") is None else "points on its faces"
        mesh, cloud = extraction.mesh, Cloud(sdf.points, colors=sdf.colors, sensors=sdf.sensors)
        if (found := render.sensor_view(cloud, PREVIEW)) is not None:
            view, inside = found
            if inside:
                mesh, cloud = render.cut_away(mesh, cloud, view)
        else:
            seen = api.observed(mesh.vertices, sdf.points, sdf.spacing)
            view = render.camera_for(mesh, size=PREVIEW, up=render.up_axis(mesh.vertices), observed=seen)
        render.side_by_side(cloud, mesh, job.preview, captions=(caption, "isofield"), view=view)
        files.append(str(job.preview))
    return files


def _input_summary(sdf: SDF) -> dict[str, Any]:
    """What the input was like, out of the field's provenance."""
    points = sdf.provenance["points"]
    return {
        **_faces_or_points(sdf),
        "outliers": points["outliers"],
        "points_used": points["used"],
        "noise": sdf.provenance["noise"],
        "method": sdf.provenance["method"],
        "quality": sdf.provenance["quality"],
        "kind": sdf.kind,
    }


def _faces_or_points(sdf: SDF) -> dict[str, Any]:
    """How much the input had: the faces of a mesh, sampled or as they are, or points."""
    faces, given = sdf.provenance.get("faces"), sdf.provenance["points"]["given"]
    if sdf.provenance["method"] == "triangles":
        return {"given_faces": faces, "points": given}
    return {"sampled": faces, "points": given}


def _following(job: Job) -> str:
    from isofield.cli.output import quoted

    if job.field is not None:
        return f"isofield mesh {quoted(job.field)} -o {quoted(job.mesh.with_name('fine.ply'))} --resolution 512"
    return f"isofield info {quoted(job.mesh)}"
