"""Experiments of SALD's released code (Atzmon and Lipman 2021): checkpoints/ModelParameters/latest.pth and, of an
auto-decoder, checkpoints/LatentCodes/latest.pth. Their tensors alone are read: nothing in them is run.

The released networks work in metres, and scans of people exceed the unit ball. Here a normalised length is `UNIT`
metres; the weights of the points are multiplied by that and the values divided by it, which changes nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from isofield import __version__
from isofield.api.published_space import plain_name, read_checkpoint
from isofield.api.space import ShapeSpace, TrainingShape
from isofield.configs import PointEncoder, PrepareConfig, SaldSpace
from isofield.configs.sald_space import READS
from isofield.errors import InputError
from isofield.fields.autoencoder import Autoencoder
from isofield.fields.geometric_decoder import GeometricDecoder
from isofield.fields.point_net import PointNet
from isofield.folder_format import MODEL, SPECS, reason
from isofield.types import Similarity

UNIT = 2.0
"""Metres of a normalised length; a power of two, so that no weight is rounded."""
CODES = "LatentCodes"
DECODER, ENCODER = "implicit_map.", "encoder."
"""Prefixes of the released names."""


def parameters_in(folder: Path) -> Path | None:
    """The folder of such an experiment's checkpoints, or None."""
    for one in (folder / "checkpoints", folder):
        if (one / MODEL).is_dir() and not (folder / SPECS).is_file():
            return one
    return None


def load_sald(folder: Path, checkpoint: str | None = None) -> ShapeSpace:
    """The space of an experiment. checkpoint: the epoch, "latest" by default.

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
