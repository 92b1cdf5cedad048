"""Which files a run will write, decided and checked before any work."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isofield.errors import InputError


@dataclass(frozen=True)
class Job:
    """One input and where its results go. label: how messages name the input. Paths are None for what nobody asked for."""

    source: Path
    label: str
    mesh: Path
    field: Path | None = None
    preview: Path | None = None


MESH_IN_FIELD = "mesh.ply"
"""Name of the mesh inside a field folder."""


def plan(inputs: Sequence[Path], out: str, field: Path | None, preview: Path | None) -> list[Job]:
    """The jobs of `isofield fit INPUT... -o OUT`.

    One input: OUT with an extension is the mesh; OUT without one, or with a slash at its end, a field folder with the mesh
    in it. Several: OUT is a folder of meshes, and `field` one of field folders, at the inputs' paths relative to their
    common folder. Raises InputError for everything about outputs that can be told without the work.
    """
    jobs = _one(inputs[0], out, field, preview) if len(inputs) == 1 else _several(inputs, out, field, preview)
    for job in jobs:
        _check(job)
    return jobs


def is_folder(out: str) -> bool:
    """Whether a person who wrote this output means a folder: no extension, a slash at the end, or there already is one."""
    return out.endswith(("/", os.sep)) or not Path(out).suffix or (Path(out).is_dir() and not _is_mesh(Path(out)))


def _one(source: Path, out: str, field: Path | None, preview: Path | None) -> list[Job]:
    if not is_folder(out):
        return [Job(source, source.name, Path(out), field, preview)]
    if field is not None:
        raise InputError(f"{out} is a field folder already: leave --field out, or let --out name the mesh (mesh.ply).")
    return [Job(source, source.name, Path(out) / MESH_IN_FIELD, Path(out), preview)]


def _several(inputs: Sequence[Path], out: str, field: Path | None, preview: Path | None) -> list[Job]:
    if not is_folder(out):
        raise InputError(f"{out} is one file, but there are {len(inputs)} inputs: let --out name a folder.")
    if preview is not None:
        raise InputError(f"--preview pictures one input, but there are {len(inputs)}: leave it out, or fit them one by one.")
    absolute = [Path(os.path.abspath(source)) for source in inputs]
    common = Path(os.path.commonpath([source.parent for source in absolute]))
    jobs: dict[Path, Job] = {}
    for source, path in zip(inputs, absolute, strict=True):
        name = path.relative_to(common).with_suffix("")
        if name in jobs:
            raise InputError(
                f"{jobs[name].source} and {source} would both become {Path(out) / name}.ply: rename one, "
                "or fit them into different folders."
            )
        mesh = (Path(out) / name).with_name(name.name + ".ply")
        jobs[name] = Job(source, str(path.relative_to(common)), mesh, field / name if field else None)
    return list(jobs.values())


def _check(job: Job) -> None:
    from isofield import shapes

    shapes.check_output(job.mesh)
    if os.path.realpath(job.mesh) == os.path.realpath(job.source):
        raise InputError(f"{job.mesh} is the input itself: give --out another name.")
    if job.field is not None:
        check_folder(job.field)
    if job.preview is not None:
        check_picture(job.preview)


def check_folder(folder: Path) -> None:
    """Raise InputError where a folder can neither be written into nor be made."""
    if folder.is_dir():
        if not os.access(folder, os.W_OK | os.X_OK):
            raise InputError(f"{folder} cannot be written into: choose another folder, or change its permissions.")
        return
    if folder.exists():
        raise InputError(f"{folder} is a file, not a folder: choose another name.")
    above = next(parent for parent in folder.absolute().parents if parent.exists())
    if not above.is_dir():
        raise InputError(f"{folder} cannot be made, because {above} is a file: choose another place.")
    if not os.access(above, os.W_OK | os.X_OK):
        raise InputError(f"{folder} cannot be made, because {above} cannot be written into: choose another place.")


def check_picture(path: Path) -> None:
    """Raise InputError where path is no name for a picture or cannot be written."""
    if path.suffix.lower() != ".png":
        raise InputError(f"{path} is no name for a picture; let it end in .png.")
    if path.is_dir():
        raise InputError(f"{path} is a folder: give the picture another name.")
    check_folder(path.parent)


def _is_mesh(path: Path) -> bool:
    return path.suffix.lower() in {".ply", ".obj", ".stl", ".off", ".glb"}
