"""The folder of a field or a space: `config.json` and one safetensors file; nothing in it can run code."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file, save

from isofield.errors import InputError, MissingPartError
from isofield.fields.array_field import ARRAYS, ArrayField
from isofield.files import MESHES, atomic_write, extension_of
from isofield.folder_format import AGAIN, CONFIG, FORMAT, SPACE, read_folder_config, reason

if TYPE_CHECKING:
    from torch import nn

    from isofield.api.sdf import SDF


ATTRIBUTE = "observed.attribute."
"""Prefix of the points' attributes among the tensors."""


def write_folder(
    folder: Path, kind: str, field: nn.Module | ArrayField, more: Mapping[str, np.ndarray], config: dict[str, Any]
) -> Path:
    """Write a field or a space with its configuration, and more arrays beside its own, into a folder, which may exist.

    Raises OutputError where the system refuses, and InputError for a module whose class cannot be stored and for a
    folder that is named as a mesh file is.
    """
    part = _part(kind)
    if extension_of(folder) in MESHES and not folder.is_dir():
        surface = "" if kind == SPACE else f"; the surface is sdf.mesh().export({str(folder)!r})"
        raise InputError(
            f"{folder} names a mesh file, and this is saved as a folder: leave {folder.suffix} out{surface}."
        )
    description, arrays = _described(field)
    content = {"format": FORMAT, "kind": kind, part: description, **config}
    state = {f"{part}.{name}": value for name, value in arrays.items()}
    with atomic_write(folder / CONFIG) as described, atomic_write(folder / f"{part}.safetensors") as values:
        values.write_bytes(save({**state, **more}))
        described.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return folder


@contextmanager
def read_folder(folder: Path) -> Iterator[tuple[dict[str, Any], nn.Module | ArrayField, dict[str, np.ndarray]]]:
    """The configuration, the field or the space's module, and the other arrays of a folder; what the block raises
    becomes an InputError.

    Raises InputError for a folder of another kind or a newer format, and for one that is damaged.
    """
    config = read_folder_config(folder)
    part = _part(config.get("kind"))
    path = folder / f"{part}.safetensors"
    if not path.is_file():
        raise InputError(f"{folder} lacks {path.name}: {AGAIN}.")
    try:
        held, prefix = load_file(path), f"{part}."
        state = {name.removeprefix(prefix): value for name, value in held.items() if name.startswith(prefix)}
        if not all(bool(np.isfinite(value).all()) for value in state.values()):
            raise ValueError("the field's values are not finite")
        more = {name: value for name, value in held.items() if not name.startswith(prefix)}
        yield config, _built(config[part], state), more
    except MissingPartError as error:
        raise InputError(
            f"{folder} cannot be read ({reason(error)}): install the package that it was made with, or {AGAIN}."
        ) from error
    except Exception as error:
        raise InputError(f"{folder} cannot be read ({reason(error)}): {AGAIN}.") from error


def _described(field: nn.Module | ArrayField) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A field as JSON-plain data and arrays by name."""
    if isinstance(field, ArrayField):
        arrays = {name: np.ascontiguousarray(value) for name, value in field.named_arrays().items()}
        return {"type": field.stored_as, **field.config()}, arrays
    from isofield.fields.serialization import describe, tensors

    return describe(field), {name: value.numpy() for name, value in tensors(field).items()}


def _built(description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> nn.Module | ArrayField:
    """The field of `_described`."""
    if description["type"] in ARRAYS:
        return ARRAYS[description["type"]].stored(description, arrays)
    import torch

    from isofield.fields.serialization import build

    state = {name: torch.as_tensor(value) for name, value in arrays.items()}
    return build(description, state).eval().requires_grad_(False)


def _part(kind: Any) -> str:
    """The name of the module in the folder's files."""
    return SPACE if kind == SPACE else "field"


def save_field(sdf: SDF, folder: Path) -> Path:
    """Write a field into folder; see `write_folder`."""
    config = {
        "similarity": {"center": list(sdf.similarity.center), "scale": sdf.similarity.scale},
        "box": {"lower": list(sdf.lower), "upper": list(sdf.upper)},
        "spacing": sdf.spacing,
        "open": sdf.open,
        "reach": sdf.reach,
        "interrupted": sdf.interrupted,
        "provenance": sdf.provenance,
    }
    more = {"observed.points": np.ascontiguousarray(sdf.similarity.apply(sdf.points), np.float32)}
    if sdf.colors is not None:
        more["observed.colors"] = np.ascontiguousarray(sdf.colors)
    more |= {f"{ATTRIBUTE}{name}": np.ascontiguousarray(values) for name, values in sdf.attributes.items()}
    return write_folder(folder, sdf.kind, sdf.field, more, config)
