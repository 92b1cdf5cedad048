"""Experiments of DeepSDF's released code (Park et al. 2019): specs.json, ModelParameters/latest.pth,
LatentCodes/latest.pth. Their tensors alone are read: nothing in them is run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from isofield import __version__
from isofield.api.space import Shape, ShapeSpace
from isofield.api.specs import is_specs, translated
from isofield.configs import PrepareConfig
from isofield.datasets import read_split
from isofield.errors import InputError
from isofield.folder_format import reason, unreadable
from isofield.methods import auto_decoder
from isofield.types import Similarity

SPECS = "specs.json"
"""By this file such a folder is known."""
MODEL, CODES = "ModelParameters", "LatentCodes"
NEW = re.compile(r"parametrizations\.weight\.original([01])$")
"""Names that newer versions of torch give to weight norm: 0 is the length, 1 the direction."""


def is_experiment(folder: Path) -> bool:
    """Whether a folder is one of the released code's experiments."""
    return (folder / SPECS).is_file()


def read_specs(path: Path) -> dict[str, Any]:
    """DeepSDF's settings in a file. Raises InputError where it holds none."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is damaged ({reason(error)}): copy it anew.") from None
    if not is_specs(table):
        raise InputError(f"{path} holds no settings of DeepSDF (no NetworkSpecs): give an experiment's specs.json.")
    return dict(table)


def load_experiment(folder: Path, checkpoint: str | None = None) -> ShapeSpace:
    """The space of an experiment. checkpoint: the epoch, "latest" by default.

    Ids are those of the training split, where that lies beside specs.json or where this names it, else numbers.
    Raises InputError for files that are missing, damaged, or do not belong together.
    """
    specs, name = read_specs(folder / SPECS), f"{checkpoint or 'latest'}.pth"
    config, ignored = translated(specs)
    held = _read(folder / MODEL / name)
    latent = _read(folder / CODES / name)
    try:
        module = auto_decoder.network(config, 0)
        state = {_renamed(key): value for key, value in held["model_state_dict"].items()}
        module.load_state_dict(state)
        codes = latent["latent_codes"]
        codes = (codes["weight"] if isinstance(codes, Mapping) else codes).float()
        codes = codes.reshape(len(codes), -1)
        if codes.shape[1] != config.length or not torch.isfinite(codes).all():
            raise ValueError(f"codes of {codes.shape[1]} numbers, where specs.json says {config.length}")
    except (KeyError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        what = reason(error).replace(": ", " ")[:200]
        raise InputError(f"{folder} cannot be read ({what}): give a whole experiment of DeepSDF's code.") from None
    same = Similarity((0.0, 0.0, 0.0), 1.0)
    shapes = [Shape(id_, "", same) for id_ in _ids(folder, specs, len(codes))]
    provenance = {
        "isofield": __version__, "data": str(specs.get("DataSource", "")), "seed": 0, "experiment": str(folder),
        "epoch": int(held.get("epoch", 0)), "ignored": ignored,
    }  # fmt: skip
    return ShapeSpace(
        module.eval().requires_grad_(False), codes.numpy(), shapes, "deepsdf", config, PrepareConfig(), provenance
    )


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"there is no {path}: give a whole experiment of DeepSDF's code, or another --checkpoint.")
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises errors of many kinds for what is no file of its own
        raise unreadable(path, error, "copy it again") from None
    if not isinstance(held, dict):
        raise InputError(f"{path} is no checkpoint of DeepSDF's code: copy it anew.")
    return held


def _renamed(key: str) -> str:
    """A parameter's name as ours."""
    return NEW.sub(lambda found: "weight_g" if found[1] == "0" else "weight_v", key.removeprefix("module."))


def _ids(folder: Path, specs: Mapping[str, Any], count: int) -> list[str]:
    """Ids of the training shapes, in the order of their codes, or their numbers where the split is not there."""
    named = Path(str(specs.get("TrainSplit", "")))
    for path in (folder / named.name, folder / named, named):
        if named.name and path.is_file():
            ids = read_split(path)
            if len(ids) == len({*ids}) == count:
                return ids
    return [str(row) for row in range(count)]
