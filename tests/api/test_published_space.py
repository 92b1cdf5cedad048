"""Experiments of DeepSDF's released code, written as it writes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import balls
import isofield
from isofield.api import load_run
from isofield.cli.main import main
from isofield.errors import InputError
from isofield.types import Similarity

LENGTH, COUNT = 5, 3
SPECS = {
    "Description": "a test", "DataSource": "data", "TrainSplit": "examples/splits/train.json", "CodeLength": LENGTH,
    "NetworkArch": "deep_sdf_decoder", "NumEpochs": 10, "SamplesPerScene": 64, "ScenesPerBatch": 2,
    "NetworkSpecs": {"dims": [24, 24, 24], "dropout": [0, 1], "dropout_prob": 0.2, "norm_layers": [0, 1, 2],
                     "latent_in": [2], "xyz_in_all": False, "use_tanh": False, "latent_dropout": False,
                     "weight_norm": True},
    "ClampingDistance": 0.1, "CodeRegularizationLambda": 1e-4, "CodeBound": 1.0,
    "LearningRateSchedule": [{"Type": "Progress", "Initial": 5e-4, "Interval": 5, "Factor": 0.5},
                             {"Type": "Constant", "Value": 1e-3}],
}  # fmt: skip


def published(seed: int = 0) -> nn.Module:
    """The released code's layers, by its names: weight norm of torch itself."""
    torch.manual_seed(seed)
    sizes = [(LENGTH + 3, 24), (24, 24 - LENGTH - 3), (24, 24), (24, 1)]
    module = nn.Module()
    for layer, (inputs, outputs) in enumerate(sizes):
        linear = nn.Linear(inputs, outputs)
        module.add_module(f"lin{layer}", nn.utils.weight_norm(linear) if layer < 3 else linear)
    return module


def answer(module: nn.Module, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """What that network says, point by point."""
    joined = torch.cat([z.expand(len(x), -1), x], 1)
    h = joined
    for layer in range(4):
        h = getattr(module, f"lin{layer}")(torch.cat([h, joined], 1) if layer == 2 else h)
        h = h.relu() if layer < 3 else h
    return h.tanh()[:, 0]


def experiment(folder: Path, codes: object, name: str = "latest", prefix: str = "module.") -> nn.Module:
    module = published()
    for part in ("ModelParameters", "LatentCodes"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "specs.json").write_text(json.dumps(SPECS))
    state = {prefix + key: value for key, value in module.state_dict().items()}
    torch.save({"epoch": 10, "model_state_dict": state}, folder / "ModelParameters" / f"{name}.pth")
    torch.save({"epoch": 10, "latent_codes": codes}, folder / "LatentCodes" / f"{name}.pth")
    return module


@pytest.mark.parametrize("form", ["table", "tensor", "rows"])
def test_an_experiment_answers_as_the_released_code_does(tmp_path, form):
    codes = torch.randn(COUNT, LENGTH, generator=torch.Generator().manual_seed(1))
    held = {"table": {"weight": codes}, "tensor": codes[:, None], "rows": codes}[form]
    module = experiment(tmp_path, held, prefix="" if form == "rows" else "module.")
    space = isofield.load(tmp_path)
    assert space.ids == ["0", "1", "2"] and space.method == "deepsdf"
    np.testing.assert_array_equal(space.codes, codes.numpy())
    x = torch.rand(50, 3, generator=torch.Generator().manual_seed(2)) * 2 - 1
    sdf = space.sdf(space.code("1"), Similarity((0.0, 0.0, 0.0), 1.0))
    np.testing.assert_allclose(sdf(x.numpy()), answer(module, x, codes[1]).detach(), atol=1e-6)
    assert space.config.training.network_rate.every == 5 and space.config.dims == (24, 24, 24)


def test_ids_are_those_of_the_split_and_a_checkpoint_can_be_named(tmp_path):
    experiment(tmp_path, torch.zeros(COUNT, LENGTH))
    experiment(tmp_path, torch.ones(COUNT, LENGTH), "2000")
    (tmp_path / "train.json").write_text(json.dumps({"ShapeNetV2": {"plane": ["a", "b", "c"]}}))
    assert isofield.load(tmp_path).ids == ["ShapeNetV2/plane/a", "ShapeNetV2/plane/b", "ShapeNetV2/plane/c"]
    assert load_run(tmp_path, "2000").codes.min() == 1
    with pytest.raises(InputError, match=r"there is no .*3000\.pth"):
        load_run(tmp_path, "3000")


def test_the_commands_take_an_experiment(tmp_path, capsys):
    experiment(tmp_path / "planes", torch.zeros(COUNT, LENGTH))
    data = balls.prepared(tmp_path / "data", {"ball": balls.rows_of(0.5, 400)})
    assert main(["info", str(tmp_path / "planes")]) == 0
    assert "DeepSDF's released code" in capsys.readouterr().out
    space = isofield.load(tmp_path / "planes")
    space.save(tmp_path / "saved")  # as one of our own
    assert isofield.load(tmp_path / "saved").config == space.config
    before = sorted(path.name for path in (tmp_path / "planes").rglob("*"))
    assert main(["train", "deepsdf", str(data), "-o", str(tmp_path / "planes"), "--resume"]) == 2
    assert sorted(path.name for path in (tmp_path / "planes").rglob("*")) == before


@pytest.mark.parametrize("part", ["ModelParameters", "LatentCodes"])
def test_damaged_and_missing_checkpoints_are_told(tmp_path, capsys, part):
    experiment(tmp_path, torch.zeros(COUNT, LENGTH))
    path = tmp_path / part / "latest.pth"
    content = path.read_bytes()
    command = ["infer", str(tmp_path), str(tmp_path / "x.ply"), "-o", str(tmp_path / "out")]
    for damaged, what in (
        (content[: len(content) // 2], "latest.pth is damaged"),
        (b"", "is damaged"),
        (None, "there is no"),
    ):
        path.unlink()
        if damaged is not None:
            path.write_bytes(damaged)
        else:
            path = tmp_path / "gone"
            path.touch()
        assert main(command) == 2
        said = capsys.readouterr().err.strip()
        assert what in said and "\n" not in said
    assert not (tmp_path / "out").exists()


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("ran"),))


def test_nothing_in_a_checkpoint_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    experiment(tmp_path, torch.zeros(COUNT, LENGTH))
    torch.save({"epoch": 1, "latent_codes": Evil()}, tmp_path / "LatentCodes" / "latest.pth")
    with pytest.raises(InputError, match=r"is refused: it calls .*never code"):
        isofield.load(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_parts_that_do_not_belong_together_are_told(tmp_path):
    experiment(tmp_path, torch.zeros(COUNT, LENGTH + 1))
    with pytest.raises(InputError, match=r"codes of 6 numbers, where specs\.json says 5"):
        isofield.load(tmp_path)
    experiment(tmp_path, torch.zeros(COUNT, LENGTH))
    (tmp_path / "specs.json").write_text(json.dumps({**SPECS, "CodeLength": 7}))
    with pytest.raises(InputError, match="cannot be read"):
        isofield.load(tmp_path)
    (tmp_path / "specs.json").write_text(json.dumps({"NetworkSpecs": {"dims": 3}}))
    with pytest.raises(InputError, match="dims"):
        isofield.load(tmp_path)
