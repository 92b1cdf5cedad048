"""The field folder: `config.json` and `field.safetensors`, nothing that could run code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isofield.api.sdf import SDF
from isofield.errors import InputError
from isofield.fields.serialization import build, describe, tensors
from isofield.files import atomic_write
from isofield.folder_format import AGAIN, CONFIG, FORMAT, TENSORS, read_config, reason
from isofield.types import Similarity

ATTRIBUTE = "observed.attribute."
"""What the names of the points' attributes begin with, among the tensors."""


def save(sdf: SDF, folder: Path) -> Path:
    """Write sdf into folder, which may exist: each file is written beside its name and moved into place."""
    config = {
        "format": FORMAT,
        "kind": sdf.kind,
        "field": describe(sdf.field),
        "similarity": {"center": list(sdf.similarity.center), "scale": sdf.similarity.scale},
        "box": {"lower": list(sdf.lower), "upper": list(sdf.upper)},
        "spacing": sdf.spacing,
        "interrupted": sdf.interrupted,
        "provenance": sdf.provenance,
    }
    held = {f"field.{name}": value for name, value in tensors(sdf.field).items()}
    held["observed.points"] = torch.as_tensor(sdf.similarity.apply(sdf.points), dtype=torch.float32)
    if sdf.colors is not None:
        held["observed.colors"] = torch.as_tensor(sdf.colors)
    held |= {f"{ATTRIBUTE}{name}": torch.as_tensor(values) for name, values in sdf.attributes.items()}
    write_folder(folder, config, held, TENSORS)
    return folder


def write_folder(folder: Path, config: dict[str, Any], held: Mapping[str, Tensor], name: str) -> None:
    """Writes `config.json`, and the tensors as the file `name`, each beside its name and then moved into place.

    Raises InputError where that fails.
    """
    from safetensors.torch import save

    with atomic_write(folder / CONFIG) as described, atomic_write(folder / name) as values:
        values.write_bytes(save(dict(held)))
        described.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def load_field(folder: Path) -> SDF:
    """The field that `SDF.save` wrote into folder.

    Raises InputError for what holds no field, one of a newer format, or one whose files are damaged.
    """
    config = read_config(folder)
    if not (folder / TENSORS).is_file():
        raise InputError(f"{folder} lacks {TENSORS}: {AGAIN}.")
    try:
        return _restore(config, folder / TENSORS)
    except Exception as error:
        raise InputError(f"{folder} cannot be read ({reason(error)}): {AGAIN}.") from error


def _restore(config: dict[str, Any], path: Path) -> SDF:
    from safetensors.torch import load_file

    held = load_file(path)
    similarity = Similarity(_triple(config["similarity"]["center"]), float(config["similarity"]["scale"]))
    if not (np.isfinite(similarity.center).all() and 0 < similarity.scale < np.inf):
        raise ValueError("the similarity is not finite")
    state = {name.removeprefix("field."): value for name, value in held.items() if name.startswith("field.")}
    if not all(bool(torch.isfinite(value).all()) for value in state.values()):
        raise ValueError("the field's values are not finite")
    sdf = SDF(
        build(config["field"], state),
        similarity,
        similarity.invert(held["observed.points"].double().numpy()),
        float(config["spacing"]),
        _triple(config["box"]["lower"]),
        _triple(config["box"]["upper"]),
        dict(config["provenance"]),
    )
    colors = held["observed.colors"].numpy() if "observed.colors" in held else None
    if colors is not None and colors.shape != (len(sdf.points), 4):
        raise ValueError("the points' colours do not belong to them")
    attributes = {
        name.removeprefix(ATTRIBUTE): values.numpy() for name, values in held.items() if name.startswith(ATTRIBUTE)
    }
    if any(values.shape != (len(sdf.points),) for values in attributes.values()):
        raise ValueError("the points' attributes do not belong to them")
    return replace(sdf, interrupted=bool(config["interrupted"]), colors=colors, attributes=attributes)


def _triple(values: Any) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in values)
    return x, y, z
