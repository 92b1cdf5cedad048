"""A file that a visitor sent: read, completed, and what came out of it in words."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import trimesh

from isofield import api, io
from isofield.api import InferenceResult, PoseSearch, ShapeSpace
from isofield.errors import InputError
from isofield.points import check_cloud, check_faces
from isofield.surfaces import reduced
from isofield.types import IDENTITY, Cloud

POINTS = 100_000
"""Points of an upload that are used, at most."""
NORMALISED, TRAINING, SEARCHED = "the normalised space", "the training shapes", "unknown: search the pose"
"""Frames that a scan may be in."""


def read_upload(name: str, content: bytes) -> trimesh.Trimesh | Cloud:
    """The mesh or cloud in a file of this name, without what is not finite.

    The name decides the format and is never a path. Raises InputError, as `io.read` does, with the name in place of a
    path.
    """
    plain = re.sub(r"[^\w.\- ]", "_", Path(name.replace("\\", "/")).name)[-100:].lstrip(".") or "scan"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / plain
        path.write_bytes(content)
        try:
            shape = io.read(path)
        except InputError as error:
            raise InputError(str(error).replace(f"{folder}/", "")) from None
    if isinstance(shape, Cloud):
        return check_cloud(reduced(shape, points=POINTS)[0], plain)  # type: ignore[arg-type]
    return check_faces(shape, plain)


def frames_of(space: ShapeSpace) -> list[str]:
    """The frames of scans that a space can complete; the first one is the default."""
    try:
        shared = api.shared_frame(space)
    except InputError:
        shared = None
    own = [TRAINING] if shared is not None and shared != IDENTITY else []
    return [*own, NORMALISED, *([SEARCHED] if "signed" in space.kinds else [])]


def completed(space: ShapeSpace, shape: trimesh.Trimesh | Cloud, name: str, frame: str) -> InferenceResult:
    """The most probable whole of a part, in one of `frames_of`. Raises InputError as `api.complete` does."""
    search = PoseSearch(scale=True) if frame == SEARCHED else None
    known = api.shared_frame(space) if frame == TRAINING else None
    return api.complete(space, shape, frame=known, pose=search, name=Path(name).stem)[0]


def summary(result: InferenceResult) -> str:
    """What a completion is, in two sentences at most."""
    text = (
        f"{100 * result.explained:.0f} % of the observed surface is explained; nearest training shape: "
        f"{result.nearest}."
    )
    if result.poor:
        return f"{text} The field agrees poorly with the scan: try another frame."
    if result.far:
        return f"{text} The code is far from those of the training shapes: the space may not represent such a shape."
    return text
