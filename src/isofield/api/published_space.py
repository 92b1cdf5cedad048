"""Experiments of the released code of DeepSDF (Park et al. 2019) and of SALD (Atzmon and Lipman 2021). Their tensors
alone are read: nothing in them is run.

DeepSDF's have specs.json, ModelParameters/latest.pth and LatentCodes/latest.pth; SALD's have
checkpoints/ModelParameters/latest.pth and, of an auto-decoder, checkpoints/LatentCodes/latest.pth. SALD's networks work
in metres, and scans of people exceed the unit ball. Here a normalised length is `UNIT` metres; the weights of the
points are multiplied by that and the values divided by it, which changes nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from isofield import __version__
from isofield.api.space import ShapeSpace, TrainingShape
from isofield.configs import PointEncoder, PrepareConfig, SaldSpace
from isofield.configs.sald_space import READS
from isofield.configs.specs import is_specs, translated
from isofield.datasets import read_split
from isofield.errors import InputError
from isofield.fields.autoencoder import Autoencoder
from isofield.fields.geometric_decoder import GeometricDecoder
from isofield.fields.point_net import PointNet
from isofield.folder_format import MODEL, SPECS, reason, unreadable
from isofield.methods import deepsdf
from isofield.types import IDENTITY, Similarity

CODES = "LatentCodes"
NEW = re.compile(r"parametrizations\.weight\.original([01])$")
"""Names of weight norm in newer versions of torch: 0 is the length, 1 the direction."""
UNIT = 2.0
"""Metres of a normalised length of SALD; a power of two, so that no weight is rounded."""
DECODER, ENCODER = "implicit_map.", "encoder."
"""Prefixes of SALD's released names."""


def is_experiment(folder: Path) -> bool:
    """Whether a folder is an experiment of DeepSDF's code."""
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
    """The space of an experiment of DeepSDF. checkpoint: the epoch, "latest" by default.

    Ids are those of the training split, where that is found beside specs.json or under the path given there, else
    numbers. Raises InputError for files that are missing, damaged, or do not belong together.
    """
    specs, name = read_specs(folder / SPECS), f"{checkpoint or 'latest'}.pth"
    config, ignored = translated(specs)
    held = read_checkpoint(folder / MODEL / name, "DeepSDF")
    latent = read_checkpoint(folder / CODES / name, "DeepSDF")
    try:
        module = deepsdf.decoder(config, 0)
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
    shapes = [TrainingShape(id_, "", IDENTITY) for id_ in _ids(folder, specs, len(codes))]
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


def parameters_in(folder: Path) -> Path | None:
    """The folder of the checkpoints of an experiment of SALD, or None."""
    for one in (folder / "checkpoints", folder):
        if (one / MODEL).is_dir() and not (folder / SPECS).is_file():
            return one
    return None


def load_sald(folder: Path, checkpoint: str | None = None) -> ShapeSpace:
    """The space of an experiment of SALD. checkpoint: the epoch, "latest" by default.

    A table of codes has numbers as ids. An encoder has no table: the code 0, where its distribution is centred, takes
    the place. Raises InputError for files that are missing, damaged, or not SALD's.
    """
    parameters, name = parameters_in(folder), f"{checkpoint or 'latest'}.pth"
    assert parameters is not None
    held = read_checkpoint(parameters / MODEL / name, "SALD")
    try:
        state = {plain_name(key): value.float() for key, value in held["model_state_dict"].items()}
        decoder = _decoder({key.removeprefix(DECODER): v for key, v in state.items() if key.startswith(DECODER)})
        encoder = {key.removeprefix(ENCODER): v for key, v in state.items() if key.startswith(ENCODER)}
        module: nn.Module = decoder
        config = SaldSpace(decoder.length, decoder.dims, decoder.skip, norm_layers=(), encoder=None, infer_by="code")
        if encoder:
            net = _encoder(encoder)
            module, codes = Autoencoder(decoder, net), torch.zeros(1, decoder.length)
            points = PointEncoder(net.width, net.rounds, normals=net.inputs == 6)
            config = replace(config, encoder=points, infer_by="encoder")
        else:
            latent = read_checkpoint(parameters / CODES / name, "SALD")["latent_codes"]
            codes = (latent["weight"] if isinstance(latent, Mapping) else latent).float().reshape(-1, decoder.length)
        if not all(bool(torch.isfinite(value).all()) for value in (codes, *module.state_dict().values())):
            raise ValueError("values that are not finite")
    except (KeyError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        what = reason(error).replace(": ", " ")[:200]
        raise InputError(f"{folder} cannot be read ({what}): give a whole experiment of SALD's code.") from None
    similarity = Similarity((0.0, 0.0, 0.0), 1 / UNIT)
    prepare = PrepareConfig(samples=READS, normalize="dataset", similarity=(0.0, 0.0, 0.0, 1 / UNIT))
    shapes = [TrainingShape(str(row), "", similarity) for row in range(len(codes))]
    provenance = {"isofield": __version__, "experiment": str(folder), "epoch": int(held.get("epoch", 0)), "seed": 0}
    return ShapeSpace(module.eval().requires_grad_(False), codes.numpy(), shapes, "sald", config, prepare, provenance)


def _matrix(state: Mapping[str, Tensor], name: str) -> Tensor:
    """The matrix of a layer with or without weight norm."""
    if f"{name}.weight" in state:
        return state[f"{name}.weight"].clone()
    direction = state[f"{name}.weight_v"]
    return direction * (state[f"{name}.weight_g"] / direction.norm(dim=1, keepdim=True))


def _decoder(state: Mapping[str, Tensor]) -> GeometricDecoder:
    """The decoder in normalised lengths. Raises KeyError or ValueError for other tensors."""
    count = sum(name.endswith(".bias") for name in state)
    matrices = [_matrix(state, f"lin{layer}") for layer in range(count)]
    length = matrices[0].shape[1] - 3
    skip = [layer for layer in range(1, count) if matrices[layer].shape[1] != matrices[layer - 1].shape[0]]
    dims = [matrix.shape[1] for matrix in matrices[1:]]
    made = GeometricDecoder(length, dims, skip, norm_layers=())
    for layer, matrix in enumerate(matrices):
        bias = state[f"lin{layer}.bias"]
        if layer in (0, *skip):
            matrix[:, -length - 3 : -length] *= UNIT
        scale = 1 / UNIT if layer == count - 1 else 1.0
        linear = getattr(made, f"lin{layer}")
        linear.set_matrix(matrix * scale)
        linear.bias.data.copy_(bias * scale)
    return made


def _encoder(state: Mapping[str, Tensor]) -> PointNet:
    """The encoder in normalised lengths. Raises KeyError or RuntimeError for other tensors."""
    rounds = sum(name.startswith("fc_") and name[3:].split(".")[0].isdigit() for name in state) // 2 - 1
    length, width = state["fc_mean.weight"].shape
    made = PointNet(length, width, rounds, state["fc_pos.weight"].shape[1])
    own = {name: value.clone() for name, value in state.items() if name in made.state_dict()}  # not the unused fc
    own["fc_pos.weight"][:, :3] *= UNIT
    made.load_state_dict(own)
    return made
