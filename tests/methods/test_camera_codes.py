"""Codes of shapes as cameras see them: learned on small made data, in the camera's frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from scipy.spatial.transform import Rotation

import isofield
import toys
from isofield import render
from isofield.api import complete, infer_all
from isofield.api.observations import ShapeSamples
from isofield.api.validation import scores
from isofield.configs import ImageCodes, Linear, NeuralPullImage, PictureEncoder, PrepareConfig, Schedule, Training
from isofield.datasets import Prepared, prepare
from isofield.datasets.views import as_input
from isofield.errors import InputError
from isofield.fields.pca_grid import PcaGrid
from isofield.methods.camera_codes import turned, turns_of
from isofield.methods.image_codes import ImageCodesSpace
from isofield.methods.pictured import UPRIGHT
from isofield.types import SdfSamples, Shape, Similarity

CELLS, VIEWS = 16, 48
CONFIG = ImageCodes(
    linear=Linear(cells=CELLS, samples=3000, iterations=8, length=24, mirror="xy", most=64),
    encoder=PictureEncoder(8, 32), frame="camera", flip="xy",
    training=Training(steps=300, batch=16, keep=1000, beta2=0.99, clip=5.0,
                      network_rate=Schedule(3e-3, "cosine", final=1e-4, warm_up=0.05)),
)  # fmt: skip
IDENTITY = Similarity((0.0, 0.0, 0.0), 1.0)


def bar(number: int) -> trimesh.Trimesh:
    """A bar, turned: none is aligned with another."""
    mesh = trimesh.creation.box([1.6, 0.7, 0.4 + 0.02 * number])
    mesh.apply_translation([0.1, 0, 0])
    turn = np.eye(4)
    turn[:3, :3] = Rotation.random(random_state=number).as_matrix()
    return mesh.apply_transform(turn)


def test_a_turned_grid_is_that_of_the_turned_shape():
    axis = np.linspace(-1, 1, 17)
    nodes = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1)
    matrix = np.array([[0.3, 0.1, 0.0], [0.1, -0.2, 0.1], [0.0, 0.1, 0.4]])

    def f(x: np.ndarray) -> np.ndarray:
        return (x @ matrix @ np.array([1.0, 2.0, 3.0])).astype(np.float32)

    turns = Rotation.random(3, random_state=0).as_matrix()
    inner = np.linalg.norm(nodes, axis=-1) < 1
    for found, turn in zip(turned(f(nodes), turns), turns, strict=True):
        assert np.abs(found.numpy() - f(nodes @ turn))[inner].max() < 1e-5


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    (folder / "meshes").mkdir()
    for number in range(8):
        bar(number).export(folder / "meshes" / f"{number:02d}.ply")
    config = PrepareConfig(("views", "signed", "cloud"), count=4000, points=4000, views=VIEWS, size=32)
    prepare(folder / "meshes", folder / "prepared", config, workers=1)
    return folder / "prepared"


@pytest.fixture(scope="module")
def space(data, tmp_path_factory):
    return isofield.train("image-codes", data, tmp_path_factory.mktemp("run") / "run", CONFIG)


@pytest.mark.slow
def test_a_picture_gives_the_shape_in_its_camera_s_frame(space):
    """From new directions; the mean shape leaves all of the variance."""
    x = np.random.default_rng(0).uniform(-1, 1, (2000, 3)).astype(np.float32)
    left = []
    for number, toward in enumerate(np.random.default_rng(0).normal(size=(8, 3))):
        mesh = bar(number)
        camera = render.Camera(4 * toward / np.linalg.norm(toward), render.look(toward), 60.0, 64, 64)
        picture = as_input(render.picture(mesh, view=camera).astype(np.float32) / 255, 32)
        (result,) = infer_all(space, [ShapeSamples("", None, IDENTITY, {"views": picture[None]})])
        similarity = space.shapes[number].similarity
        vertices = similarity.apply(mesh.vertices) @ (UPRIGHT @ render.look(toward)).T
        distances = toys.distance(trimesh.Trimesh(vertices, mesh.faces), x).astype(np.float32)
        truth = space.space.linear.solve(SdfSamples(x, distances)).numpy()
        weights = space.space._weights.numpy()
        left.append([(weights * (some - truth) ** 2).sum() for some in (result.code, 0 * truth)])
    found, mean = np.mean(left, 0)
    assert found < 0.8 * mean


@pytest.mark.slow
def test_the_frame_of_the_camera_is_not_compared_with_that_of_the_data(space, data):
    cloud = trimesh.creation.icosphere(2).vertices
    for refused in (lambda: scores(space, data, None, "test", "cpu"), lambda: complete(space, cloud)):
        with pytest.raises(InputError, match=r"frames of|has its shapes in those of cameras"):
            refused()
    for config in (ImageCodes(), NeuralPullImage()):
        validated = replace(config.training, validate=10)
        with pytest.raises(InputError, match="leave it at 0 in the camera's frame"):
            replace(config, frame="camera", training=validated)
        assert replace(config, training=validated).training.validate == 10


def test_mirrored_pictures_go_with_mirrored_codes(data):
    """Left to right and upside down; the code of a mirror image is that of the mirrored grid."""
    some = {kind: Prepared(data, kind) for kind in ("views", "cameras", "signed", "cloud")}
    rows = [{kind: np.asarray(part.rows(k)) for kind, part in some.items()} for k in range(8)]
    shapes = [Shape(samples=SdfSamples(one["signed"][:, :3], one["signed"][:, 3]), rows=one) for one in rows]
    method = ImageCodesSpace(CONFIG).start(shapes, 0, lambda *_: None)
    assert torch.equal(method.table[3], method.targets[3 * VIEWS])
    volume = method.linear.grid.volume(method.targets[:4]).view(4, *(CELLS + 1,) * 3)
    for image, axes in enumerate(([], [0], [1], [0, 1])):
        mirrored = method.linear.grid.volume(method.targets[:4] * method._signs[image]).view_as(volume)
        assert torch.allclose(mirrored, volume.flip([axis + 1 for axis in axes]), atol=1e-4)
    seen = set()
    for k in range(24):
        drawn = method.draw(shapes[2], np.random.default_rng(k))
        image, number = int(drawn["image"][0]), int(drawn["number"][0])
        seen.add(image)
        sides = [(), (-1,), (-2,), (-2, -1)][image]
        assert np.array_equal(drawn["picture"][0], np.flip(shapes[2].rows["views"][number], sides))
        signs = np.array([[1, 1, 1], [-1, 1, 1], [1, -1, 1], [-1, -1, 1]])[image]
        back = (drawn["nearest"] * signs) @ turns_of(shapes[2])[number]
        cloud = shapes[2].rows["cloud"][:, 3:]
        assert np.linalg.norm(cloud[:, None] - back[:5], axis=2).min(0).max() < 1e-5
    assert seen == {0, 1, 2, 3}


@pytest.mark.slow
def test_every_field_has_a_surface(space, monkeypatch):
    """Where the field of a code is positive everywhere, too, and then it is not all of the cube."""
    method = replace(space.space, config=replace(CONFIG, level=0.02))
    code, limit = torch.from_numpy(space.codes[0]), CONFIG.linear.limit
    volume = method.linear.grid.volume(code[None])
    plain, lower = (float(some.field(code)(torch.zeros(1, 3)).detach()) for some in (space.space, method))
    halfway = (float(volume.min()) + limit) / 2
    assert lower == pytest.approx(plain - max(0.02, halfway), abs=1e-4)
    shallow = (limit - 0.2 * (limit - volume)).clamp(0.1, limit)
    monkeypatch.setattr(PcaGrid, "volume", lambda grid, z: shallow)
    inside = method.field(code)(torch.rand(4000, 3) * 2 - 1).detach() < 0
    assert 0.001 < float(inside.float().mean()) < 0.5


def test_what_a_picture_does_not_show_is_not_mirrored():
    with pytest.raises(InputError, match="flip z mirrors what a picture does not"):
        replace(CONFIG, flip="z", linear=replace(CONFIG.linear, mirror="xyz"))
    with pytest.raises(InputError, match="flip xy mirrors what a picture does not"):
        replace(CONFIG, frame="dataset")
