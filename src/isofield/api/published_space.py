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
from isofield.api.space import ShapeSpace, TrainingShape
from isofield.configs import PrepareConfig
from isofield.configs.specs import is_specs, translated
from isofield.datasets import read_split
from isofield.errors import InputError
from isofield.folder_format import MODEL, SPECS, reason, unreadable
from isofield.methods.deepsdf import decoder
from isofield.types import Similarity

CODES = "LatentCodes"
NEW = re.compile(r"parametrizations\.weight\.original([01])$")
"""Names of weight norm in newer versions of torch: 0 is the length, 1 the direction."""


def is_experiment(folder: Path) -> bool:
    """Whether a folder is one of the released code's experiments."""
    return (folder / SPECS).is_file()


def read_specs(path: Path) -> dict[str, Any]:
    """DeepSDF's settings in a file. Raises InputError where it is damaged or another file."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is damaged ({reason(error)}): copy it again.") from None
    if not is_specs(table):
        raise InputError(
            f"{path} is not a specs.json of DeepSDF (it has no NetworkSpecs): give an experiment's specs.json."
        )
    return dict(table)


def load_experiment(folder: Path, checkpoint: str | None = None) -> ShapeSpace:
    """The space of an experiment. checkpoint: the epoch, "latest" by default.

    Ids are those of the training split, where that is found beside specs.json or under the path given there, else
    numbers. Raises InputError for files that are missing, damaged, or do not belong together.
    """
    specs, name = read_specs(folder / SPECS), f"{checkpoint or 'latest'}.pth"
    config, ignored = translated(specs)
    held = read_checkpoint(folder / MODEL / name, "DeepSDF")
    latent = read_checkpoint(folder / CODES / name, "DeepSDF")
    try:
        module = decoder(config, 0)
        state = {plain_name(key): value for key, value in held["model_state_dict"].items()}
        module.load_state_dict(state)
        codes = latent["latent_codes"]
        codes = (codes["weight"] if isinstance(codes, Mapping) else codes).float()
        codes = codes.reshape(len(codes), -1)
        if codes.shape[1] != config.length or not torch.isfinite(codes).all():
            raise ValueError(f"codes of {codes.shape[1]} numbers, where specs.json says {config.length}")
    except (KeyError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        what = reason(error).replace(": ", " ")[:200]
        raise InputError(f"{folder} cannot be read ({what}): give a whole experiment of DeepSDF's code.") from None
    identity = Similarity((0.0, 0.0, 0.0), 1.0)
    shapes = [TrainingShape(id_, "", identity) for id_ in _ids(folder, specs, len(codes))]
    provenance = {
        "isofield": __version__, "data": str(specs.get("DataSource", "")), "seed": 0, "experiment": str(folder),
        "epoch": int(held.get("epoch", 0)), "ignored": ignored,
    }  # fmt: skip
    return ShapeSpace(
        module.eval().requires_grad_(False), codes.numpy(), shapes, "deepsdf", config, PrepareConfig(), provenance
    )


def read_checkpoint(path: Path, paper: str) -> dict[str, Any]:
    """The tensors in a file of a paper's released code. Raises InputError where it is missing or damaged."""
    if not path.is_file():
        raise InputError(f"there is no {path}: give a whole experiment of {paper}'s code, or another --checkpoint.")
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises errors of many kinds for a file that is not its own
        raise unreadable(path, error, "copy it again") from None
    if not isinstance(held, dict):
        raise InputError(f"{path} is not a checkpoint of {paper}'s code: copy it again.")
    return held


def plain_name(key: str) -> str:
    """A parameter's name without what parallel training and newer versions of torch add to it."""
    return NEW.sub(lambda match: "weight_g" if match[1] == "0" else "weight_v", key.removeprefix("module."))


def _ids(folder: Path, specs: Mapping[str, Any], count: int) -> list[str]:
    """Ids of the training shapes, in the order of their codes, or numbers where the split is missing."""
    named = Path(str(specs.get("TrainSplit", "")))
    for path in (folder / named.name, folder / named, named):
        if named.name and path.is_file():
            ids = read_split(path)
            if len(ids) == len({*ids}) == count:
                return ids
    return [str(row) for row in range(count)]
