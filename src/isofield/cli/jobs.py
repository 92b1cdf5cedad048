"""The jobs of `isofield fit`: which files each will write, decided and checked before any work."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from isofield.errors import InputError
from isofield.files import distinct_names
from isofield.folder_format import CONFIG


@dataclass(frozen=True)
class Job:
    """One input and where its results go; None for what was not asked for. label: how messages name the input. merged:
    all scans of one shape; source is the first of them."""

    source: Path
    label: str
    mesh: Path
    field: Path | None = None
    preview: Path | None = None
    merged: tuple[Path, ...] = ()


MESH_IN_FIELD = "mesh.ply"
"""Name of the mesh inside a field folder."""


def plan(inputs: Sequence[Path], out: str, field: Path | None, preview: Path | None, merge: bool = False) -> list[Job]:
    """The jobs of `isofield fit INPUT... -o OUT`.

    One input: OUT with an extension is the mesh; OUT without one, or with a slash at its end, a field folder with the
    mesh in it. Several: OUT is a folder of meshes, and `field` one of field folders, named as the inputs; with `merge`
    they are one. Raises InputError for every output that cannot be written.
    """
    alone = len(inputs) == 1 or merge
    jobs = _one(inputs[0], out, field, preview) if alone else _several(inputs, out, field, preview)
    if merge:
        others = f" and {len(inputs) - 1} more" if len(inputs) > 1 else ""
        jobs = [replace(jobs[0], label=jobs[0].label + others, merged=tuple(inputs))]
    for job in jobs:
        check(job)
    return jobs


def is_folder(out: str) -> bool:
    """Whether OUT means a folder: no extension, a slash at its end, or there is one already."""
    return out.endswith(("/", os.sep)) or not Path(out).suffix or (Path(out).is_dir() and not _is_mesh(Path(out)))


def _one(source: Path, out: str, field: Path | None, preview: Path | None) -> list[Job]:
    if not is_folder(out):
        return [Job(source, source.name, Path(out), field, preview)]
    if field is not None:
        raise InputError(f"{out} is a field folder already: leave --field out, or let --out name the mesh (mesh.ply).")
    return [Job(source, source.name, Path(out) / MESH_IN_FIELD, Path(out), preview)]


def _several(inputs: Sequence[Path], out: str, field: Path | None, preview: Path | None) -> list[Job]:
    if not is_folder(out):
        raise InputError(
            f"{out} is one file, but there are {len(inputs)} inputs: let --out name a folder, or --merge the scans of "
            "one shape."
        )
    if preview is not None:
        raise InputError(f"--preview pictures one input, but there are {len(inputs)}: fit them one by one for it.")
    names = [Path(name) for name in distinct_names([source.stem for source in inputs], inputs)]
    return [
        Job(source, name.name + source.suffix, (Path(out) / name).with_name(name.name + ".ply"), field and field / name)
        for source, name in zip(inputs, names, strict=True)
    ]


def check(job: Job) -> None:
    """Raise InputError where a job could not write what it should; nothing is left behind."""
    from isofield import io

    io.check_output(job.mesh)
    if os.path.realpath(job.mesh) in map(os.path.realpath, (job.source, *job.merged)):
        raise InputError(f"{job.mesh} is the input itself: give --out another name.")
    if job.field is not None:
        io.check_output(job.field / CONFIG, extensions=("json",))
        _check_field(job.field)
    if job.preview is not None:
        io.check_output(job.preview, extensions=("png", "gif", "mp4"))
        if job.preview.suffix.lower() == ".mp4":
            from isofield import render

            render.check_movie(job.preview)


def _check_field(folder: Path) -> None:
    """Raise InputError where the folder holds somebody else's config.json."""
    import json

    path = folder / CONFIG
    if not path.is_file():
        return
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        config = None
    if not (isinstance(config, dict) and {"format", "similarity"} <= config.keys()):
        raise InputError(f"{folder} has a {CONFIG} of something else, which would be overwritten: name another folder.")


def _is_mesh(path: Path) -> bool:
    from isofield.io.output_path import EXTENSIONS

    return path.suffix.lower().removeprefix(".") in EXTENSIONS
