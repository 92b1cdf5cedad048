"""Pictures vote for the codes of a linear space: learned on small made data, with mirror images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

import isofield
import toys
from isofield import render
from isofield.api import infer_all
from isofield.api.observations import ShapeSamples
from isofield.configs import ImageCodes, Linear, PictureEncoder, PrepareConfig, Schedule, Training
from isofield.datasets import prepare
from isofield.datasets.views import as_input
from isofield.errors import InputError
from isofield.evaluate import compare
from isofield.fields.autoencoder import PictureVotes
from isofield.losses.pull import pull_loss
from isofield.methods.image_codes import EVERY, ImageCodesSpace
from isofield.solids.triangles import closest_on
from isofield.types import Batch, SdfSamples, Shape, Similarity

CONFIG = ImageCodes(
    linear=Linear(cells=16, samples=3000, iterations=8, evidence=2000, length=6, mirror="x"),
    encoder=PictureEncoder(8, 32),
    training=Training(steps=240, batch=8, keep=1000, beta2=0.99, clip=5.0,
                      network_rate=Schedule(1e-3, "cosine", final=1e-4, warm_up=0.05)),
)  # fmt: skip
IDENTITY = Similarity((0.0, 0.0, 0.0), 1.0)


def ellipsoid(number: int) -> trimesh.Trimesh:
    """Widths from 0.4 to 1 of its height, leaning to +x."""
    mesh = trimesh.creation.icosphere(3, 0.9).apply_scale([0.4 + 0.05 * (number % 13), 1, 0.5])
    lean = np.eye(4)
    lean[0, 1] = 0.4
    mesh.apply_transform(lean)
    return mesh.apply_scale(0.95 / np.linalg.norm(mesh.vertices, axis=1).max())


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    (folder / "meshes").mkdir()
    for number in range(16):
        ellipsoid(5 * number).export(folder / "meshes" / f"{number:02d}.ply")
    config = PrepareConfig(("views", "signed", "cloud"), count=4000, points=4000, views=8, size=32)
    prepare(folder / "meshes", folder / "prepared", config, workers=1)
    return isofield.train("image-codes", folder / "prepared", folder / "run", CONFIG)


def seen(mesh: trimesh.Trimesh, views=((20.0, 15.0), (70.0, 0.0))) -> ShapeSamples:
    """Pictures from directions that no prepared view has."""
    pictures = [render.picture(mesh, size=(64, 64), view=view).astype(np.float32) / 255 for view in views]
    return ShapeSamples("seen", None, IDENTITY, {"views": np.stack([as_input(one, 32) for one in pictures])})


def test_pictures_from_new_views_give_the_codes_of_their_shapes(space):
    """Less than half of the variance over the grid is left, where the mean shape leaves all of it."""
    rows = range(0, 16, 2)
    found = np.stack([one.code for one in infer_all(space, [seen(ellipsoid(5 * row)) for row in rows])])
    weights, truth = space.space._weights.numpy(), space.codes[rows]
    left = [(weights * (some - truth) ** 2).sum() for some in (found, space.mean)]
    assert left[0] < 0.5 * left[1]
    mesh = ellipsoid(1)
    (result,) = infer_all(space, [seen(mesh)])
    assert compare(result.sdf.mesh(32), mesh, samples=3000, floor=False)["iou"] > 0.7


def test_a_mirrored_picture_goes_with_the_code_of_the_mirrored_shape(space):
    """The opposite sign of the odd components; a picture is mirrored left to right."""
    flipping = replace(space.space, config=replace(CONFIG, flip="x"))
    mesh = ellipsoid(3)
    x = np.random.default_rng(0).uniform(-1, 1, (2000, 3)).astype(np.float32)
    codes = []
    for sign in (1, -1):
        vertices = mesh.vertices * [sign, 1, 1]
        other = trimesh.Trimesh(vertices, mesh.faces[:, ::sign], process=False)
        codes.append(flipping.linear.solve(SdfSamples(x, toys.distance(other, x).astype(np.float32))))
    assert torch.allclose(codes[1], flipping._signs[1] * codes[0], atol=0.2)
    odd = flipping._signs[1] == -1
    assert odd.any() and (codes[0][odd].abs() > 0.3).any()
    plain = np.arange(48, dtype=np.uint8).reshape(1, 3, 4, 4).repeat(8, 2).repeat(8, 3)
    cloud = np.random.default_rng(1).normal(size=(CONFIG.samples, 6)).astype(np.float32)
    drawn = [flipping.draw(Shape(rows={"views": plain, "cloud": cloud}), np.random.default_rng(k)) for k in range(8)]
    assert {bool(one["image"][0]) for one in drawn} == {False, True}
    assert all(np.array_equal(one["picture"], plain[..., ::-1] if one["image"] else plain) for one in drawn)
    for one in drawn:
        sign = [-1, 1, 1] if one["image"] else [1, 1, 1]
        assert np.array_equal(np.column_stack([one["query"] * sign, one["nearest"] * sign]), cloud)


def voting(table: torch.Tensor, kernel: float, weights: list[float]) -> ImageCodesSpace:
    """A method whose known codes are these, without a picture."""
    module = PictureVotes(torch.nn.Module(), torch.nn.Identity())
    module.log_kernel.data.fill_(kernel).log_()
    method = ImageCodesSpace(replace(CONFIG, pull=0.0), module, table)
    object.__setattr__(method, "_weights", torch.tensor(weights))
    return method


def test_the_kernel_learns_from_other_shapes_than_codes():
    """And by the votes for others: their own codes, which are found here, have none."""
    table = torch.arange(2.0 * EVERY)[:, None].expand(-1, 2).clone()
    method = voting(table, 0.5, [1.0, 0.0])
    code = torch.tensor([[0.0, 3.0], [3.0, 0.0]], requires_grad=True)
    batch = Batch({"row": torch.tensor([0, 1]), "image": torch.zeros(2, 1, dtype=torch.long)})
    terms = method.losses(code, batch)
    next_by = float(torch.softmax(-torch.tensor([1.0, 4.0, 9.0]) / 0.5, 0) @ torch.tensor([1.0, 2.0, 3.0]))
    assert float(terms["code"].detach()) == pytest.approx(4 + next_by**2)
    assert float(terms["logged/unseen"]) == pytest.approx(EVERY * next_by**2)
    odds = torch.softmax(-((torch.arange(1.0, 8) - 3) ** 2) / 0.5, 0)  # 9 and above are too far to count, 8 is unseen
    assert float(terms["likelihood"].detach()) == pytest.approx(-CONFIG.likelihood * float(odds[0].log()), rel=1e-3)
    of_code, of_kernel = torch.autograd.grad(terms["code"], [code, method.module.log_kernel], retain_graph=True)
    assert torch.equal(of_code, torch.tensor([[0.0, 0.0], [4.0, 0.0]]))  # all energy is in the first component
    assert of_kernel > 0  # a wider one takes in codes that are further away
    (of_code,) = torch.autograd.grad(terms["likelihood"], code)
    assert of_code[1, 0] > 0 and not of_code[0].any()


def test_codes_are_pulled_beside_being_regressed(space):
    """The term of true codes is small, that of the mean shape not; it moves the means."""
    method, rows = space.space, torch.tensor([1, 2, 12])
    query = np.stack([ellipsoid(5 * int(k)).sample(200, seed=0) for k in rows])
    query += np.random.default_rng(0).normal(0, 0.05, query.shape)
    meshes = [ellipsoid(5 * int(k)) for k in rows]
    nearest = [closest_on(one.vertices, one.faces)(x)[2] for one, x in zip(meshes, query, strict=True)]
    drawn = {name: torch.tensor(np.stack(some)).float() for name, some in (("query", query), ("nearest", nearest))}
    batch = Batch({"row": rows, "image": torch.zeros(3, 1, dtype=torch.long), **drawn})
    mean = torch.from_numpy(space.mean).expand(3, -1)
    right, wrong = (method.pulled(code, batch).mean() for code in (method.table[rows], mean))
    assert right < 0.05 and right < 0.6 * wrong
    x = batch["query"].requires_grad_()
    value = method.module(x, mean)
    (gradient,) = torch.autograd.grad(value.sum(), x)
    assert float(pull_loss(x, value, gradient, batch["nearest"]).mean().detach()) == pytest.approx(
        float(wrong), rel=0.01
    )
    code = mean.clone().requires_grad_()
    terms = method.losses(code, batch)
    assert float(terms["pull"].detach()) == pytest.approx(3 * CONFIG.pull * float(wrong), rel=1e-4)
    (moved,) = torch.autograd.grad(terms["pull"], code)
    assert (moved.norm(dim=1) > 0).all()


def test_the_space_is_stored(space, tmp_path):
    space.save(tmp_path / "run")
    again = isofield.load(tmp_path / "run")
    assert np.array_equal(*(next(infer_all(one, [seen(ellipsoid(1))])).code for one in (space, again)))


def test_mirrored_pictures_need_a_mirrored_space():
    with pytest.raises(InputError, match="flip z needs mirror images"):
        replace(CONFIG, flip="z")


def test_pictures_vote_for_known_codes():
    """Between unlike codes z is one of them: the likelier one, or that with alike codes beside it, and then it lies
    between these. Of pictures that each see one half of a shape, those that agree on it decide."""
    method = voting(torch.tensor([[-2.0, 0.0], [2.0, 0.0], [2.0, 0.2]]), 0.05, [0.5, 0.5])

    def found(*codes: list[float]) -> torch.Tensor:
        return method.elected(torch.tensor(codes)).detach()

    assert torch.allclose(found([-0.4, 0.0]), method.table[0], atol=1e-3)
    for x in (0.4, -0.002):  # the first code is the likeliest of -0.002, but two others are together
        right, up = found([x, 0.1]).tolist()
        assert right == pytest.approx(2, abs=1e-3) and 0.05 < up < 0.15
    assert torch.allclose(found([0.0, 0.0], [0.4, 0.0], [0.0, 2.0]), method.table[2], atol=1e-3)
