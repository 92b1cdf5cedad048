"""Codes by the name of a shape, and the meshes of codes."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import trimesh

from isofield import surfaces
from isofield.api.inference import infer
from isofield.api.observations import Source
from isofield.api.pictures import infer_pictures, pictures_in
from isofield.api.space import ShapeSpace
from isofield.errors import InputError, did_you_mean


def code_of(space: ShapeSpace, source: Source) -> np.ndarray:
    """The code (l,) of a training shape by its id, or of another shape, which is inferred.

    Raises InputError for an unknown id, and as `infer` does.
    """
    if isinstance(source, str) and source in space.ids:
        return space.code(source)
    if isinstance(source, str) and not Path(source).exists():
        raise InputError(
            f"{source!r} is neither a training shape of this space{did_you_mean(source, space.ids)}, nor a file: "
            "`isofield info RUN` lists the shapes."
        )
    if space.of_pictures:
        (_, read), *_ = pictures_in([cast(str, source)], space)
        return next(infer_pictures(space, [read()])).code
    return infer(space, source).code


def shape_of(space: ShapeSpace, code: np.ndarray, resolution: int | None = None) -> trimesh.Trimesh:
    """The mesh of a code (l,), in the normalised space, without small floating components.

    resolution: cells along the longest side, by default the field's own. Raises InputError where there is no surface.
    """
    return surfaces.keep_large(space.sdf(code).mesh(resolution))[0]
