"""New shapes out of a space: between two of them, and at random."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh

from isofield import surfaces
from isofield.api.inference import infer
from isofield.api.observations import Source
from isofield.api.space import ShapeSpace
from isofield.errors import InputError, did_you_mean


def code_of(space: ShapeSpace, source: Source) -> np.ndarray:
    """The code (l,) of a training shape by its id, or of a shape that is looked for in the space first.

    Raises InputError as `infer` does for what is neither.
    """
    if isinstance(source, str) and source in space.ids:
        return space.code(source)
    if isinstance(source, str) and not Path(source).exists():
        raise InputError(
            f"{source!r} is no training shape of this space{did_you_mean(source, space.ids)}, and there is no such file."
        )
    return infer(space, source).code


def shape_of(space: ShapeSpace, code: np.ndarray, resolution: int | None = None) -> trimesh.Trimesh:
    """The mesh of a code (l,), in the normalised space, without the floating bits that no training shape has.

    resolution: cells along the longest side, by default what the field holds. Raises InputError where there is no
    surface.
    """
    return surfaces.keep_large(space.sdf(code).mesh(resolution))[0]
