"""Fields for other programs: each file is read back by another reader than wrote it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

from isofield import api
from isofield.errors import InputError
from isofield.fields.hash_grid import HashGrid
from isofield.fields.mlp import Mlp
from isofield.fields.siren import Siren

CENTER, RADIUS = np.array([10.0, -20.0, 30.0]), 4.0
GENERATOR = torch.Generator().manual_seed(0)
NETWORKS = {
    "siren": Siren(32, 3, 10.0, GENERATOR),
    "relu": Mlp((32,) * 4, (2,), "relu", 0.4, GENERATOR),
    "softplus": Mlp((32,) * 4, (2,), "softplus", 0.4, GENERATOR),
    "features": HashGrid(16, 2, (4, 32), 2, 2**12, 0.4, GENERATOR),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_gives_the_distances_of_torch(ball, tmp_path, name):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    sdf = replace(ball, field=NETWORKS[name].eval().requires_grad_(False))
    api.export(sdf, tmp_path / "net.onnx")
    session = runtime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    for count in (1, 777):
        x = (CENTER + np.random.default_rng(count).uniform(-14, 14, (count, 3))).astype(np.float32)
        (found,) = session.run(None, {"points": x})
        assert found.shape == (count,)
        assert np.abs(found - sdf(x)).max() < 2e-4


def test_onnx_cannot_hold_a_grid(ball, tmp_path):
    for sdf in (ball, ball.offset(1)):
        with pytest.raises(InputError, match=r"net\.onnx cannot represent this field.*neural-pull"):
            api.export(sdf, tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []


def test_grids_of_samples(ball, tmp_path):
    for name in ("a.npy", "a.npz", "a.vtk"):
        api.export(ball, tmp_path / name, 20)
    values, place = np.load(tmp_path / "a.npy"), json.loads((tmp_path / "a.json").read_text())
    archive = np.load(tmp_path / "a.npz")
    assert np.array_equal(archive["values"], values)
    assert archive["origin"].tolist() == place["origin"]
    assert float(archive["spacing"]) == place["spacing"]
    at = np.array(place["origin"]) + place["spacing"] * np.array([3, 7, 11])
    assert values[3, 7, 11] == pytest.approx(ball(at[None])[0], abs=1e-5)

    head, body = (tmp_path / "a.vtk").read_bytes().split(b"LOOKUP_TABLE default\n")
    lines = dict(line.split(" ", 1) for line in head.decode().splitlines() if " " in line)
    assert lines["DIMENSIONS"] == "21 21 21"
    assert np.allclose([float(v) for v in lines["ORIGIN"].split()], place["origin"])
    image = np.frombuffer(body[:-1], ">f4").reshape(21, 21, 21)  # z, y, x
    assert np.array_equal(image.transpose(2, 1, 0), values)


def test_a_mesh_to_print(ball, tmp_path):
    pytest.importorskip("lxml")
    api.export(ball, tmp_path / "a.3mf", 40)
    mesh = trimesh.load(tmp_path / "a.3mf", force="mesh")
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.02)


def test_a_grid_beyond_the_memory_is_refused_before_it_is_made(ball, tmp_path):
    with pytest.raises(InputError, match="GiB"):
        api.export(ball, tmp_path / "a.npz", 1024)
    assert list(tmp_path.iterdir()) == []
