"""`isofield fit INPUT... -o OUT`: scans, clouds, soups and meshes to watertight meshes and fields."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import tyro

from isofield.cli.fit_job import Device, Settings, one, several
from isofield.configs import METHODS, NETWORKS, Network, Quality, Start, check_settings


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
    network: Annotated[str | None, tyro.conf.arg(metavar="{" + ",".join(NETWORKS) + "}", help_behavior_hint="")] = None,
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
    from isofield.cli.outputs import plan
    from isofield.cli.signals import listen
    from isofield.cli.validation import check_finish, check_method, check_resolution, check_seed, noise_of
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
        cast(Network | None, network),
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
    return one(jobs[0], settings, progress, json) if len(jobs) == 1 else several(jobs, settings, progress, json)
