"""Experiments of SALD's released code, written as it writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import isofield
from isofield.api import load_run
from isofield.api.published_space import UNIT
from isofield.cli.main import main
from isofield.errors import InputError

LENGTH, WIDTH = 6, 24


def network(encoder: bool) -> nn.Module:
    """The released code's layers, by its names: weight norm of torch itself."""
    torch.manual_seed(0)
    whole, sizes = nn.Module(), [(LENGTH + 3, WIDTH), (WIDTH, WIDTH - LENGTH - 3), (WIDTH, WIDTH), (WIDTH, 1)]
    whole.implicit_map = nn.Module()
    for layer, pair in enumerate(sizes):
        whole.implicit_map.add_module(f"lin{layer}", nn.utils.weight_norm(nn.Linear(*pair)))
    if encoder:
        whole.encoder, width = nn.Module(), 2 * LENGTH
        named = {"fc_pos": (3, 2 * width), **{f"fc_{k}": (2 * width, width) for k in range(4)},
                 "fc": (width, LENGTH), "fc_mean": (width, LENGTH), "fc_std": (width, LENGTH)}  # fmt: skip
        for name, pair in named.items():
            whole.encoder.add_module(name, nn.Linear(*pair))
    return whole


def answer(whole: nn.Module, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """What that network says at points in metres."""
    joined = torch.cat([x, z.expand(len(x), -1)], 1)
    h = joined
    for layer in range(4):
        h = getattr(whole.implicit_map, f"lin{layer}")(torch.cat([h, joined], 1) / np.sqrt(2) if layer == 2 else h)
        h = F.softplus(h, 100) if layer < 3 else h
    return h[:, 0]


def mean(whole: nn.Module, points: torch.Tensor) -> torch.Tensor:
    """What its encoder says of points in metres."""
    net, h = whole.encoder, points
    h = net.fc_0(net.fc_pos(h).relu())
    for layer in (net.fc_1, net.fc_2, net.fc_3):
        h = layer(torch.cat([h, h.amax(0, keepdim=True).expand(h.shape)], 1).relu())
    return net.fc_mean(h.amax(0).relu())


def experiment(folder: Path, encoder: bool) -> nn.Module:
    whole = network(encoder)
    state = {f"module.{name}": value for name, value in whole.state_dict().items()}
    for part, held in (
        ("ModelParameters", {"epoch": 500, "model_state_dict": state}),
        ("LatentCodes", {"epoch": 500, "latent_codes": {"weight": torch.arange(2.0 * LENGTH).view(2, LENGTH) / 20}}),
    ):
        if part == "ModelParameters" or not encoder:
            (folder / "checkpoints" / part).mkdir(parents=True)
            torch.save(held, folder / "checkpoints" / part / "latest.pth")
    return whole


def test_an_auto_decoder_says_what_it_said(tmp_path):
    whole = experiment(tmp_path, False)
    space = isofield.load(tmp_path)
    assert (space.method, space.ids, space.length, space.provenance["epoch"]) == ("sald", ["0", "1"], LENGTH, 500)
    x = np.random.default_rng(0).uniform(-1.5, 1.5, (200, 3))
    with torch.no_grad():
        expected = answer(whole, torch.tensor(x, dtype=torch.float32), torch.from_numpy(space.codes[1]))
    found = space.sdf(space.codes[1], space.shape("1").similarity)(x)
    assert np.abs(found - expected.numpy())[np.abs(x).max(1) < UNIT].max() < 1e-5


def test_an_encoder_says_what_it_said(tmp_path):
    whole = experiment(tmp_path, True)
    space, points = load_run(tmp_path), torch.randn(50, 3, generator=torch.Generator().manual_seed(1))
    assert np.array_equal(space.codes, np.zeros((1, LENGTH)))
    with torch.no_grad():
        found = space.module.encoder(points[None] / UNIT)[0][0]
        assert torch.allclose(found, mean(whole, points), atol=1e-5)
    space.save(tmp_path / "again")
    again = isofield.load(tmp_path / "again")
    assert np.array_equal(
        again.sdf(again.codes[0])(np.ones((1, 3)) / 3), space.sdf(space.codes[0])(np.ones((1, 3)) / 3)
    )


def test_broken_experiments(tmp_path, capsys):
    experiment(tmp_path / "run", True)
    with pytest.raises(InputError, match=r"there is no .*500.pth: give a whole experiment of SALD's code, or another"):
        load_run(tmp_path / "run", "500")
    path = tmp_path / "run/checkpoints/ModelParameters/latest.pth"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert main(["info", str(tmp_path / "run")]) == 2
    assert "copy it again" in capsys.readouterr().err
    torch.save({"model_state_dict": {"implicit_map.lin0.bias": torch.zeros(3)}}, path)
    with pytest.raises(InputError, match=r"cannot be read .*: give a whole experiment of SALD's code"):
        load_run(tmp_path / "run")
