"""`isofield fit INPUT... -o OUT`: scans, clouds, soups and meshes to watertight meshes and fields."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from isofield.configs import METHODS, NETWORKS, Network, Quality, Start, check_settings

if TYPE_CHECKING:
    from isofield.api import SDF, Extraction
    from isofield.cli.outputs import Job
    from isofield.types import Cloud, View

Device = Literal["auto", "cpu", "cuda"]


CRUMBS = 10
"""So many components that no point supports are worth a word."""
OPEN = 0.15
"""Beyond this share of a mesh without points the input is said to be open."""


@dataclass(frozen=True)
class Settings:
    """How to fit, and how to extract."""

    poses: Path | None = None
    camera: Path | None = None
    method: str = "auto"
    quality: Quality = "balanced"
    noise: float | None = None
    start: Start = "sides"
    network: Network | None = None
    seed: int = 0
    device: Device = "auto"
    resolution: int | None = None
    keep_all: bool = False
    faces: int | None = None
    trim: float | None = None
    confidence: bool = False


def fit(
    inputs: Annotated[
        tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="INPUT ...", help_behavior_hint="")
    ],
    *,
    out: Annotated[str, tyro.conf.arg(aliases=["-o"], metavar="OUT")],
    field: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None,
    merge: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    poses: Annotated[Path | None, tyro.conf.arg(metavar="FILE.json", help_behavior_hint="")] = None,
    camera: Annotated[Path | None, tyro.conf.arg(metavar="FILE.json", help_behavior_hint="")] = None,
    method: Annotated[str, tyro.conf.arg(metavar="{" + ",".join(METHODS) + "}")] = "auto",
    quality: Quality = "balanced",
    noise: Annotated[str, tyro.conf.arg(metavar="auto|FRACTION")] = "auto",
    start: Start = "sides",
    network: Annotated[
        Network | None, tyro.conf.arg(metavar="{" + ",".join(NETWORKS) + "}", help_behavior_hint="")
    ] = None,
    seed: int = 0,
    device: Device = "auto",
    resolution: Annotated[int | None, tyro.conf.arg(metavar="CELLS", help_behavior_hint="")] = None,
    keep_all: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    faces: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None,
    trim: Annotated[float | None, tyro.conf.arg(metavar="DISTANCE", help_behavior_hint="")] = None,
    confidence: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    preview: Annotated[Path | None, tyro.conf.arg(metavar="FILE.png", help_behavior_hint="")] = None,
    progress: bool = True,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Fit shapes: a scan, cloud, soup or mesh in; a watertight mesh, and a field to query, out.

    Ctrl-C writes the best result so far, once the sides are found and there is one; a second one stops at once. Exit
    status 2 where an input cannot be fitted.

    Args:
        inputs: Files with a mesh or points (.ply .obj .off .stl .glb .xyz .pts .pcd .npy .npz ...).
        out: The mesh to write (.ply .obj .stl .off .glb), or a folder: of the field and its mesh for one input, of
            meshes for several.
        field: A folder to write the field into, too; with several inputs, one in it for each.
        merge: The inputs are registered scans of one shape: fit them together.
        poses: Motions that register the scans to merge: {"name without extension": 4x4 matrix, ...}.
        camera: The inputs are depth images of one shape (.png of 16 bits in millimetres, .npy in metres), and this
            file their cameras: {"K": 3x3, "poses": {"name": 4x4, ...}}, from camera to world, OpenCV's axes.
        method: How to fit; auto is the best that is known.
        quality: Time for detail.
        noise: Standard deviation of the points, as a fraction of the bounding box's diagonal.
        start: Of the methods that learn a network: from the sides of the points, or as published.
        network: What those methods learn (default: the method's own).
        seed: The same seed gives the same result.
        device: Where to compute.
        resolution: Of the mesh: cells along the longest side, 8 to 1024 (default: what the field holds).
        keep_all: Keep components of the mesh that no point of the input is near.
        faces: Reduce the mesh to so many faces; it stays closed.
        trim: Open the mesh where no point of the input is within this distance (its units).
        confidence: Write each vertex's distance to the nearest point of the input into the mesh (.ply).
        preview: A picture of input and result, side by side.
        progress: Show progress on standard error.
        json: Print the figures as JSON to standard output: an object, or a list for several inputs.
    """
    from isofield.cli.checks import check_finish, check_method, check_resolution, check_seed, noise_of
    from isofield.cli.interrupts import listen
    from isofield.cli.outputs import plan
    from isofield.errors import InputError

    if not inputs:
        raise InputError("INPUTS are missing; `isofield fit --help` lists the options.")
    if not out:
        raise InputError("--out is empty: name a mesh (.ply .obj .stl .off .glb) or a folder.")
    check_method(method)
    check_resolution(resolution)
    check_seed(seed)
    check_settings(method, quality, start, network)
    check_finish(faces, trim)
    if camera is not None and (merge or poses is not None):
        raise InputError(
            "--camera has the poses of depth images, which are one shape anyhow: leave --merge and --poses out."
        )
    if poses is not None and not merge:
        raise InputError("--poses registers scans that are merged: give --merge with it.")
    settings = Settings(
        poses,
        camera,
        method,
        quality,
        noise_of(noise),
        start,
        network,
        seed,
        device,
        resolution,
        keep_all,
        faces,
        trim,
        confidence,
    )
    jobs = plan(inputs, out, field, preview, merge or camera is not None)
    if confidence and any(job.mesh.suffix.lower() != ".ply" for job in jobs):
        raise InputError(f"{jobs[0].mesh} cannot hold what --confidence writes: let --out end in .ply.")
    listen()
    return _one(jobs[0], settings, progress, json) if len(jobs) == 1 else _several(jobs, settings, progress, json)


def _one(job: Job, settings: Settings, progress: bool, as_json: bool) -> int:
    from isofield.cli import reporting

    figures, following = run(job, settings, progress)
    reporting.show(figures, as_json, following)
    return 0


def _several(jobs: list[Job], settings: Settings, progress: bool, as_json: bool) -> int:
    """One after the other; a failing input is reported and the others go on."""
    import sys

    from isofield.cli import reporting
    from isofield.cli.problems import tell

    results: list[dict[str, Any]] = []
    following, failed, stopped = "", list[str](), False
    for done, job in enumerate(jobs):
        try:
            figures, following = run(job, settings, progress)
        except Exception as error:  # a defect in one input's work is no reason to leave the others undone
            tell(error)
            results.append({"input": str(job.source), "error": str(error)})
            failed.append(str(job.source))
            continue
        results.append(figures)
        if not as_json:
            print("", *reporting.lines(figures), sep="\n", file=sys.stderr, flush=True)
        if figures["interrupted"] and done + 1 < len(jobs):
            print(f"the other {len(jobs) - done - 1} inputs were not begun.", file=sys.stderr)
            stopped = True
            break
    if as_json:
        reporting.print_json(results)
    elif following:
        print(f"next: {following}", file=sys.stderr)
    if failed:
        print(f"{len(failed)} of {len(jobs)} inputs could not be fitted: {', '.join(failed)}", file=sys.stderr)
    return 130 if stopped else 2 if failed else 0


def run(job: Job, settings: Settings, progress: bool) -> tuple[dict[str, Any], str]:
    """Fit one input and write what was asked: the figures, and the command to type next."""
    import time
    import warnings

    from isofield import api
    from isofield.cli import reporting
    from isofield.cli.interrupts import finishing
    from isofield.cli.progress import shown

    begun = time.perf_counter()
    with shown(job.label, progress) as report:
        try:
            sdf = api.fit(
                _merged(job, settings) if job.merged else job.source,
                method=settings.method,
                quality=settings.quality,
                noise=settings.noise,
                start=settings.start,
                network=settings.network,
                seed=settings.seed,
                device=settings.device,
                progress=report,
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"interrupted: {job.label} has no field yet (its sides were not found), and nothing was written for it."
            ) from None
        with finishing(job.label, begun=sdf.interrupted):
            report("extracting the surface", 0.0)
            extraction = sdf.extract(settings.resolution, keep_all=settings.keep_all)
            measured = api.report(extraction.mesh, sdf.points, sdf.spacing)
            extraction = api.finish(
                sdf, extraction, faces=settings.faces, trim=settings.trim, confidence=settings.confidence
            )
            files = _write(job, sdf, extraction)
    if measured.unseen > OPEN and settings.trim is None:
        warnings.warn(
            f"{job.source}: the scan is open: {100 * measured.unseen:.0f} % of the mesh closes it where no point is "
            "(--trim opens it)",
            stacklevel=2,
        )
    if extraction.dropped >= CRUMBS:
        warnings.warn(
            f"{job.label}: {extraction.dropped} small components were left out of the mesh: parts of the shape are "
            "thinner than its points resolve, or run through each other; look at the result (--preview)",
            stacklevel=2,
        )
    figures: dict[str, Any] = {
        "input": ", ".join(map(str, job.merged)) or str(job.source),
        **_found(sdf),
        "median": measured.median,
        "p95": measured.p95,
        "unseen": measured.unseen,
        **reporting.of_extraction(extraction),
        "seconds": round(time.perf_counter() - begun, 2),
        "interrupted": sdf.interrupted,
        "files": files,
    }
    return figures, _following(job)


def _merged(job: Job, settings: Settings) -> Cloud | list[View]:
    """All scans of one shape as one cloud, or its depth images."""
    from isofield import shapes

    if settings.camera is not None:
        return shapes.read_views(job.merged, settings.camera)
    return shapes.merged(job.merged, shapes.read_poses(settings.poses) if settings.poses else None)


def _write(job: Job, sdf: SDF, extraction: Extraction) -> list[str]:
    """Write what was asked of one input: the files' names."""
    from isofield import render, shapes

    shapes.write_mesh(extraction.mesh, job.mesh)
    files = [str(job.mesh)]
    if job.field is not None:
        sdf.save(job.field)
        files.append(f"{job.field}/")
    if job.preview is not None:
        job.preview.parent.mkdir(parents=True, exist_ok=True)
        render.side_by_side(sdf.points, extraction.mesh, job.preview)
        files.append(str(job.preview))
    return files


def _found(sdf: SDF) -> dict[str, Any]:
    """What the fit found in its input, out of the field's provenance."""
    points = sdf.provenance["points"]
    return {
        "sampled": sdf.provenance.get("faces"),
        "points": points["given"],
        "outliers": points["outliers"],
        "points_used": points["used"],
        "noise": sdf.provenance["noise"],
        "method": sdf.provenance["method"],
        "quality": sdf.provenance["quality"],
        "kind": sdf.kind,
    }


def _following(job: Job) -> str:
    from isofield.cli.reporting import quoted

    if job.field is not None:
        return f"isofield mesh {quoted(job.field)} -o {quoted(job.mesh.with_name('fine.ply'))} --resolution 512"
    return f"isofield info {quoted(job.mesh)}"
