"""The folder of a space: `config.json` and `space.safetensors`, nothing that could run code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch

from isofield.api.folder import write_folder
from isofield.api.space import Shape, ShapeSpace
from isofield.configs import PrepareConfig, space_config
from isofield.errors import InputError
from isofield.fields.serialization import build, describe, tensors
from isofield.folder_format import FORMAT, SPACE, read_config, reason
from isofield.types import Similarity

AGAIN = "train it again with --resume, or copy the folder anew"


def save(space: ShapeSpace, folder: Path) -> Path:
    """Write a space into folder, which may exist: each file is written beside its name and moved into place."""
    config = {
        "format": FORMAT,
        "kind": SPACE,
        "method": space.method,
        "settings": asdict(space.config),
        "prepare": asdict(space.prepare),
        "space": describe(space.module),
        "shapes": [[s.id, s.label, *s.similarity.center, s.similarity.scale] for s in space.shapes],
        "provenance": space.provenance,
    }
    held = {f"space.{name}": value for name, value in tensors(space.module).items()}
    write_folder(folder, config, {**held, "codes": torch.as_tensor(space.codes)}, f"{SPACE}.safetensors")
    return folder


def load_space(folder: Path) -> ShapeSpace:
    """The space that `ShapeSpace.save` wrote into folder.

    Raises InputError for what is no space, one of a newer format, or one whose files are damaged.
    """
    from safetensors.torch import load_file

    config = read_config(folder)
    path = folder / f"{SPACE}.safetensors"
    if not path.is_file():
        raise InputError(f"{folder} lacks {path.name}: {AGAIN}.")
    try:
        held = load_file(path)
        module = build(config["space"], _below(held, "space."))
        codes = held["codes"].float().numpy()
        shapes = [Shape(id_, label, Similarity((x, y, z), scale)) for id_, label, x, y, z, scale in config["shapes"]]
        if len(shapes) != len(codes) or not torch.isfinite(held["codes"]).all():
            raise ValueError("the codes do not belong to the shapes")
        settings, prepare = space_config(config["method"], config["settings"]), prepare_config(config["prepare"])
        return ShapeSpace(
            module.eval().requires_grad_(False), codes, shapes, str(config["method"]), settings, prepare,
            dict(config["provenance"]),
        )  # fmt: skip
    except Exception as error:
        raise InputError(f"{folder} cannot be read ({reason(error)}): {AGAIN}.") from error


def _below(held: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in held.items() if name.startswith(prefix)}


def prepare_config(settings: Mapping[str, Any]) -> PrepareConfig:
    """The settings of `prepare` out of plain data, others than its own left out."""
    known = {field.name for field in fields(PrepareConfig)}
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items() if k in known}
    return PrepareConfig(**given)
