"""What every space of shapes keeps to; a new one is covered without a line here."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

import isofield
import toys
from isofield import io
from isofield.api import ShapeSpace, complete, infer_all, observed_in
from isofield.api.observations import ShapeSamples
from isofield.configs import PrepareConfig
from isofield.configs.methods import SPACES, changed, find_method, method_names
from isofield.configs.training import training_of
from isofield.datasets import prepare
from isofield.types import Cloud, SdfSamples, Similarity

COUNT = 6
KINDS = ("signed", "unsigned", "surface", "cloud", "occupancy")
SPECS = {name: find_method(name, SPACES) for name in method_names(SPACES)}
NAMES = [name for name, spec in SPECS.items() if {*spec.kinds(spec.settings())} <= {*KINDS}]
FLAT_KINDS = (("plane", "contour"), ("image",))
FLAT = [name for name, spec in SPECS.items() if spec.kinds(spec.settings()) in FLAT_KINDS]
SEEN = [name for name, spec in SPECS.items() if spec.observed_kinds(spec.settings()) == ("views",)]
LEAST = {"cells": 12, "samples": 400, "length": 8, "width": 16, "batch": 4, "steps": 4, "epochs": 2, "infer_steps": 3,
         "infer_samples": 256, "infer_polish": 5, "channels": 4, "points": 32, "infer_draws": 2,
         "context": 64, "query": 64, "infer_context": 128}  # fmt: skip
IDENTITY = Similarity((0.0, 0.0, 0.0), 1.0)


def few(settings: dict[str, Any]) -> dict[str, Any]:
    """The same settings for less work, wherever they have such numbers."""
    return {
        name: few(value)
        if isinstance(value, dict)
        else (16, 16, 16)
        if name == "dims"
        else (2,)
        if name in ("latent_in", "skip")
        else min(value, LEAST[name])
        if name in LEAST
        else value
        for name, value in settings.items()
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Prepared toys."""
    return prepared(tmp_path_factory.mktemp("data"), range(COUNT))


@pytest.fixture(scope="module")
def others(tmp_path_factory) -> Path:
    """Two that no space learned."""
    return prepared(tmp_path_factory.mktemp("others"), (20, 21))


def prepared(folder: Path, numbers: Sequence[int]) -> Path:
    for number in numbers:
        io.write_mesh(toys.toy(number), folder / "meshes" / f"toy_{number}.ply")
    prepare(folder / "meshes", folder / "toys", PrepareConfig(samples=KINDS, count=3000, points=3000), workers=1)
    return folder / "toys"


def tiny(name: str) -> Any:
    settings = find_method(name, SPACES).settings()
    return changed(settings, few(asdict(settings)))


@pytest.fixture(scope="module", params=NAMES)
def space(request, data, tmp_path_factory):
    return isofield.train(request.param, data, tmp_path_factory.mktemp("space") / "run", tiny(request.param))


def unseen(others: Path, space: ShapeSpace) -> list[ShapeSamples]:
    return [read() for _, read in observed_in([others], space.prepare, kinds=space.kinds)]


@pytest.mark.parametrize("name", NAMES)
def test_a_space_is_learned_inferred_saved_and_loaded(name, data, others, tmp_path):
    """Bytes for bytes: learned on one thread and on two, and after its folder."""
    before, spaces, stages = torch.get_num_threads(), [], []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            report = lambda stage, fraction: stages.append((stage, fraction))  # noqa: E731
            run = tmp_path / str(threads)
            spaces.append(isofield.train(name, data, run, tiny(name), seed=3, progress=report))
    finally:
        torch.set_num_threads(before)
    space, again = spaces[0], isofield.load(tmp_path / "1")
    assert (tmp_path / "1" / "space.safetensors").read_bytes() == (tmp_path / "2" / "space.safetensors").read_bytes()
    assert stages and all(0 <= fraction <= 1 for _, fraction in stages)
    assert (again.method, again.config, again.ids) == (name, tiny(name), [f"toy_{n}" for n in range(COUNT)])
    assert space.codes.shape == (COUNT, space.length) and 0 < space.provenance["loss"] <= space.provenance["loss_p95"]
    x = np.random.default_rng(0).uniform(-1, 1, (100, 3))
    for code in (space.codes[0], space.mean):
        assert np.array_equal(space.sdf(code)(x), again.sdf(code)(x))
    results = [list(infer_all(one, unseen(others, one))) for one in (space, again)]
    for one, other in zip(*results, strict=True):
        assert np.isfinite(one.loss) and one.code.shape == (space.length,)
        assert np.array_equal(one.code, other.code) and np.array_equal(one.sdf(x), other.sdf(x))
    alone = next(infer_all(space, unseen(others, space)[1:], refine=True))
    assert np.array_equal(alone.code, results[0][1].code) and not np.array_equal(alone.sdf(x), results[0][1].sdf(x))
    alone.sdf.save(tmp_path / "field")
    assert np.array_equal(isofield.load(tmp_path / "field")(x), alone.sdf(x))


@pytest.mark.parametrize("name", [name for name in NAMES if training_of(tiny(name)) is not None])
def test_a_training_that_was_stopped_resumes_byte_for_byte(name, data, tmp_path):
    config = changed(tiny(name), {"training": {"steps": 14}})
    isofield.train(name, data, tmp_path / "whole", config)

    def stop(stage: str, fraction: float) -> None:
        if stage.startswith("learning"):  # after ten steps
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        isofield.train(name, data, tmp_path / "run", config, progress=stop)
    stopped = (tmp_path / "run/space.safetensors").read_bytes()
    isofield.train(name, data, tmp_path / "run", config, resume=True)
    whole, run = ((tmp_path / folder / "space.safetensors").read_bytes() for folder in ("whole", "run"))
    assert run == whole and run != stopped


def test_a_part_is_completed_and_lower_bounds_are_taken(space):
    mesh = toys.toy(20)
    mesh.update_faces(mesh.triangles_center[:, 1] > 0)
    points, face = trimesh.sample.sample_surface(mesh, 800, seed=0)
    part = Cloud(points, mesh.face_normals[face])
    count = 2 if space.space.posterior else 1
    found = complete(space, part, samples=count, seed=1)
    assert len({one.code.tobytes() for one in found}) == count
    assert np.array_equal(found[0].code, complete(space, part, seed=1)[0].code)
    if "signed" not in space.kinds:
        return
    samples = toys.samples_of(20, 3000)
    free = SdfSamples(samples.points, np.minimum(samples.distance, 0.01), samples.distance > 0.01)
    assert np.isfinite(next(infer_all(space, [ShapeSamples("free", free, IDENTITY)])).code).all()


def test_a_field_is_differentiable_by_a_code_that_requires_a_gradient(space):
    weight = torch.zeros(space.length, requires_grad=True)  # as an encoder's
    code = torch.from_numpy(space.codes[0]) + weight
    x = torch.rand(50, 3, generator=torch.Generator().manual_seed(0)) - 0.5
    (slope,) = torch.autograd.grad(space.sdf(code)(x).sum(), weight)
    assert slope.abs().max() > 0
    direction = slope / slope.norm()
    step = 1e-2
    values = [
        space.module(x[None], (code.detach() + sign * step * direction)[None]).double().sum() for sign in (1, -1)
    ]  # fmt: skip
    assert float((values[0] - values[1]) / (2 * step)) == pytest.approx(float(slope.norm()), rel=0.1)


def test_every_space_is_covered():
    """What reads pictures of shapes has tests of its own (`tests/methods/test_neural_pull_image.py`)."""
    assert {*NAMES} | {*FLAT} | {*SEEN} == {*SPECS}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> dict[tuple[str, ...], Path]:
    """Samples of pictures of discs, by their kinds."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "in").mkdir()
    y, x = np.mgrid[-1:1:32j, -1:1:32j]
    for number in range(COUNT):
        away = 0.3 + 0.05 * number - np.hypot(x - 0.03 * number, y)
        values = (255 * np.clip(0.5 + 8 * away, 0, 1)).astype(np.uint8)
        Image.fromarray(values).save(folder / "in" / f"disc_{number}.png")
    for kinds in FLAT_KINDS:
        config = PrepareConfig(samples=kinds, size=32, count=200)
        prepare(folder / "in", folder / kinds[0], config, workers=1, layout="pictures")
    return {kinds: folder / kinds[0] for kinds in FLAT_KINDS}


@pytest.mark.parametrize("name", FLAT)
def test_a_space_of_pictures_is_learned_inferred_saved_and_loaded(name, pictures, tmp_path):
    """Bytes for bytes after its folder."""
    data = pictures[SPECS[name].kinds(tiny(name))]
    space, again = isofield.train(name, data, tmp_path / "run", tiny(name), seed=3), isofield.load(tmp_path / "run")
    assert (again.method, again.config, len(again.ids)) == (name, tiny(name), COUNT)
    assert np.array_equal(space.codes, again.codes)
    found = []
    for one in (space, again):
        every = [read() for _, read in isofield.pictures_in([data], one)]
        found.append(list(isofield.infer_pictures(one, every)))
    assert len(found[0]) == COUNT
    for one, other in zip(*found, strict=True):
        assert np.isfinite(one.values).all() and one.code.shape == (space.length,)
        assert np.array_equal(one.code, other.code) and np.array_equal(one.values, other.values)
        assert np.array_equal(isofield.picture_of(again, one.code, one.values.shape[0]), one.values)
