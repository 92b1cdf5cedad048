"""The folder of a field or a space: `config.json` and one safetensors file; nothing in it can run code."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from isofield.api.field import Field
from isofield.errors import InputError, MissingPartError
from isofield.fields.serialization import build, describe, tensors
from isofield.files import atomic_write
from isofield.folder_format import AGAIN, CONFIG, FORMAT, SPACE, read_config, reason

ATTRIBUTE = "observed.attribute."
"""Prefix of the points' attributes among the tensors."""


def write_folder(
    folder: Path, kind: str, module: nn.Module, more: Mapping[str, Tensor], config: dict[str, Any]
) -> Path:
    """Write a module with its configuration, and more tensors beside its own, into a folder, which may exist.

    Raises OutputError where the system refuses, and InputError for a module whose class cannot be stored.
    """
    part = _part(kind)
    content = {"format": FORMAT, "kind": kind, part: describe(module), **config}
    state = {f"{part}.{name}": value for name, value in tensors(module).items()}
    with atomic_write(folder / CONFIG) as described, atomic_write(folder / f"{part}.safetensors") as values:
        values.write_bytes(save({**state, **more}))
        described.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return folder


@contextmanager
def read_folder(folder: Path) -> Iterator[tuple[dict[str, Any], nn.Module, dict[str, Tensor]]]:
    """The configuration, the module and the other tensors of a folder; what the block raises becomes an InputError.

    Raises InputError for a folder of another kind or a newer format, and for one that is damaged.
    """
    config = read_config(folder)
    part = _part(config.get("kind"))
    path = folder / f"{part}.safetensors"
    if not path.is_file():
        raise InputError(f"{folder} lacks {path.name}: {AGAIN}.")
    try:
        held, prefix = load_file(path), f"{part}."
        state = {name.removeprefix(prefix): value for name, value in held.items() if name.startswith(prefix)}
        if not all(bool(torch.isfinite(value).all()) for value in state.values()):
            raise ValueError("the field's values are not finite")
        module = build(config[part], state).eval().requires_grad_(False)
        yield config, module, {name: value for name, value in held.items() if not name.startswith(prefix)}
    except MissingPartError as error:
        raise InputError(
            f"{folder} cannot be read ({reason(error)}): install the package that it was made with, or {AGAIN}."
        ) from error
    except Exception as error:
        raise InputError(f"{folder} cannot be read ({reason(error)}): {AGAIN}.") from error


def _part(kind: Any) -> str:
    """The name of the module in the folder's files."""
    return SPACE if kind == SPACE else "field"


def save_field(sdf: Field, folder: Path) -> Path:
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
    more = {"observed.points": torch.as_tensor(sdf.similarity.apply(sdf.points), dtype=torch.float32)}
    if sdf.colors is not None:
        more["observed.colors"] = torch.as_tensor(sdf.colors)
    more |= {f"{ATTRIBUTE}{name}": torch.as_tensor(values) for name, values in sdf.attributes.items()}
    return write_folder(folder, sdf.kind, sdf.module, more, config)
