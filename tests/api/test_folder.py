"""The field folder, whole and broken."""

import importlib
import json
import pickle
import struct
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from isofield import InputError
from isofield.api import load
from isofield.fields.grid_residual import GridResidual
from isofield.fields.siren import Siren

CONFIG, TENSORS = "config.json", "field.safetensors"


def _around(count: int = 400) -> np.ndarray:
    return np.array([10.0, -20.0, 30.0]) + np.random.default_rng(1).uniform(-6, 6, (count, 3))


def test_a_folder_is_not_named_as_a_mesh_is(ball, tmp_path):
    with pytest.raises(InputError, match=r"ball.ply names a mesh file, .*: leave .ply out; the surface is sdf.mesh"):
        ball.save(tmp_path / "ball.ply")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["grid", "refined grid", "network"])
def test_what_was_saved_comes_back(ball, tmp_path, kind):
    network = Siren(16, 2, 8.0, torch.Generator().manual_seed(0)).requires_grad_(False)
    field = {"grid": ball.field, "refined grid": GridResidual(ball.field, network), "network": network}[kind]
    sdf = replace(ball, field=field, interrupted=kind == "refined grid")
    assert sdf.save(tmp_path / "deep" / "folder") == tmp_path / "deep" / "folder"
    again = load(str(tmp_path / "deep" / "folder"))
    assert again.kind == kind
    assert np.array_equal(again(_around()), sdf(_around()))
    assert np.array_equal(again.gradient(_around()), sdf.gradient(_around()))
    assert np.abs(again.points - sdf.points).max() < 1e-5
    for name in ("similarity", "spacing", "lower", "upper", "provenance", "interrupted"):
        assert getattr(again, name) == getattr(sdf, name)


def test_the_mesh_is_the_same_to_the_byte(fitted, tmp_path):
    again = load(fitted.save(tmp_path))
    one, two = fitted.mesh(), again.mesh()
    assert one.vertices.tobytes() == two.vertices.tobytes()
    assert one.faces.tobytes() == two.faces.tobytes()


def test_nothing_but_json_and_tensors_is_written_and_the_same_bytes_each_time(ball, tmp_path):
    first, second = ball.save(tmp_path / "a"), ball.save(tmp_path / "b")
    ball.save(second)  # over itself
    assert sorted(p.name for p in second.iterdir()) == [CONFIG, TENSORS]
    for name in (CONFIG, TENSORS):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    held = (first / TENSORS).read_bytes()
    header = struct.unpack("<Q", held[:8])[0]
    assert "field.values_0" in json.loads(held[8 : 8 + header])
    config = json.loads((first / CONFIG).read_text())
    assert config["format"] == 1
    assert config["provenance"]["method"] == "by hand"


def test_a_pickle_is_not_run(ball, tmp_path):
    ball.save(tmp_path)
    (tmp_path / TENSORS).write_bytes(pickle.dumps(Bomb(str(tmp_path / "ran"))))
    with pytest.raises(InputError):
        load(tmp_path)
    assert not (tmp_path / "ran").exists()


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_a_newer_format_is_refused(ball, tmp_path):
    ball.save(tmp_path)
    _edit(tmp_path, lambda config: config.update(format=99))
    with pytest.raises(InputError, match=r"99.*upgrade"):
        load(tmp_path)


@pytest.mark.parametrize("name", [CONFIG, TENSORS])
def test_a_missing_file_is_named(ball, tmp_path, name):
    ball.save(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        load(tmp_path)


def test_a_folder_that_is_empty_or_missing_is_refused(tmp_path):
    with pytest.raises(InputError, match="is neither a field nor a space"):
        load(tmp_path)
    with pytest.raises(InputError, match=r"there is no folder .*nothing"):
        load(tmp_path / "nothing")


@pytest.mark.parametrize("kind", ["network", "composite", "space", None, ["grid"]])
def test_another_kind_than_the_fields_own_is_refused(ball, tmp_path, kind):
    ball.save(tmp_path)
    _edit(tmp_path, lambda config: config.update(kind=kind))
    with pytest.raises(InputError, match=r"lacks space\.safetensors" if kind == "space" else "but it holds a grid"):
        load(tmp_path)


def test_a_field_of_an_unknown_class_is_not_saved(ball, tmp_path):
    with pytest.raises(InputError, match=r"class Linear cannot be saved: declare .* 'isofield\.fields'"):
        replace(ball, field=torch.nn.Linear(3, 1)).save(tmp_path / "new")
    assert not (tmp_path / "new").exists()


PACKAGE = """
import torch

class Plane(torch.nn.Module):
    kind, cube_only = "plane", False

    def __init__(self, height):
        super().__init__()
        self.register_buffer("height", torch.tensor(height))

    def config(self):
        return {}

    @classmethod
    def from_config(cls, config, state):
        return cls(float(state["height"]))

    def forward(self, x):
        return x[:, 2] - self.height
"""


def test_a_field_of_another_package_is_saved_and_read(ball, tmp_path, monkeypatch):
    (tmp_path / "planes.py").write_text(PACKAGE)
    about = tmp_path / "planes-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: planes\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[isofield.fields]\nPlane = planes:Plane\n")
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        made = replace(ball, field=importlib.import_module("planes").Plane(0.25)).offset(0.5)
        made.save(tmp_path / "plane")
        assert np.array_equal(load(tmp_path / "plane")(_around()), made(_around()))
    with pytest.raises(InputError, match="no installed package declares the type of field 'Plane'"):
        load(tmp_path / "plane")


@pytest.mark.parametrize("part", [0.0, 0.001, 0.5, 0.999])
def test_truncated_weights_are_refused(ball, tmp_path, part):
    ball.save(tmp_path)
    held = (tmp_path / TENSORS).read_bytes()
    (tmp_path / TENSORS).write_bytes(held[: int(part * len(held))])
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b'{"kind": "grid"}', b'{"format": "x"}', b"\xff\xfe{}"])
def test_what_is_no_configuration_is_refused(ball, tmp_path, text):
    ball.save(tmp_path)
    (tmp_path / CONFIG).write_bytes(text)
    with pytest.raises(InputError, match="damaged"):
        load(tmp_path)


TAMPERED = {
    "no field": lambda c: c.pop("field"),
    "unknown field": lambda c: c["field"].update(type="os.system"),
    "more levels": lambda c: c["field"].update(levels=3),
    "another shape": lambda c: c["field"].update(shape=[40, 40, 39]),
    "shape is text": lambda c: c["field"].update(shape="abc"),
    "no scale": lambda c: c["similarity"].pop("scale"),
    "scale of zero": lambda c: c["similarity"].update(scale=0),
    "center is not finite": lambda c: c["similarity"].update(center=[float("nan"), 0, 0]),
    "center has two": lambda c: c["similarity"].update(center=[0, 0]),
    "no box": lambda c: c.pop("box"),
    "provenance is text": lambda c: c.update(provenance="me"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_tampered_configuration_is_refused(ball, tmp_path, name):
    ball.save(tmp_path)
    _edit(tmp_path, TAMPERED[name])
    with pytest.raises(InputError, match="again"):
        load(tmp_path)


def test_tensors_that_are_not_finite_or_do_not_fit_are_refused(ball, tmp_path):
    ball.save(tmp_path)
    held = load_file(tmp_path / TENSORS)
    values = held["field.values_0"]
    broken = values.clone()
    broken[3] = float("nan")
    for change in (broken, values[:-5].clone(), None):
        rest = {name: value.clone() for name, value in held.items() if name != "field.values_0"}
        save_file(rest if change is None else rest | {"field.values_0": change}, tmp_path / TENSORS)
        with pytest.raises(InputError):
            load(tmp_path)


def test_a_folder_that_cannot_be_made_is_an_input_error(ball, tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(InputError, match="another path"):
        ball.save(tmp_path / "file")


def _edit(folder, change) -> None:
    config = json.loads((folder / CONFIG).read_text())
    change(config)
    (folder / CONFIG).write_text(json.dumps(config))
