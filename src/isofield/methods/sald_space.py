"""SAL and SALD for many shapes: Atzmon and Lipman, "SAL: Sign Agnostic Learning of Shapes from Raw Data", CVPR 2020;
"SALD: Sign Agnostic Learning with Derivatives", ICLR 2021.

One network f and, for each shape, a code z, learned from the unsigned distance d to raw triangles or points, and from
its gradient n. An encoder sees points of the shape and gives the mean mu and the log deviation eta of its code,

    z = mu + exp(eta) e,    e ~ N(0, I),

and the objective is the mean over the shapes of

    mean | |f(q; z)| - d(q) |  +  direction * mean min(|grad f - n|_1, |grad f + n|_1)
        +  regularizer * (mean |mu| + mean |eta + 1|),

half of the queries q around the surface, half spread widely (`sampling.training_samples.unsigned`). Without an encoder
the codes are a table, and prior * mean z^2 takes the place of the last term. The signs come from the start, a sphere.

The code of an unseen shape is the encoder's mean, or the result of a descent on z alone, from there or from 0:

    argmin_z  mean | |f(q; z)| - d(q) |  +  infer_direction * mean min(...)  +  infer_prior * mean z^2

What differs from the released code: rows of a shape are windows of its samples, which are in random order; an epoch has
all shapes. Options of our own: random and warped copies of the shapes; the mean of the encoder's codes of several
draws; codes relative to those of the training shapes; Levenberg-Marquardt (`adapt.code_search`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import Batches, CodeProblem, descend_code, search_code, tensor
from isofield.adapt import rows as row_batches
from isofield.configs import Augmentation, PointEncoder, Training
from isofield.configs import SaldSpace as Config
from isofield.errors import InputError
from isofield.fields.autoencoder import Autoencoder
from isofield.fields.decoder import LatentField
from isofield.fields.geometric_decoder import Differentiable, GeometricDecoder
from isofield.fields.gradient import value_and_gradient
from isofield.fields.point_net import PointNet
from isofield.losses.sign_agnostic import unsigned_direction, unsigned_value
from isofield.losses.signed import lower_bounded
from isofield.methods.grid_fit import refined_by_grid
from isofield.sampling.warped_samples import random_warp, warped
from isofield.threads import deterministic, parallel_map
from isofield.types import Batch, FitProgress, ProgressCallback, SdfSamples, Shape

FIRST_CODES = 0.01
"""Standard deviation of the first entries of a table, where the sphere does not depend on the code."""
WARPED, KEPT = 10_000, 2048
"""Samples of a warped copy, and the most copies in memory (each half a megabyte)."""
SHARP, VALUES = 0.003, 65_536
"""Errors below the first weigh alike (`adapt.robust`); values that one pass of the network computes."""
CLOSE, ALONG = 0.03, 0.5
"""A sample nearer to the surface than this gets its sign from the gradient of a code's field, where the cosine between
that and its direction has at least this absolute value: a field that is a little displaced there has the right gradient
but not the right sign."""
ROWS = 1 << 14
"""Samples whose values and gradients are computed at once."""
AGREEING = 0.5
"""Farther away it gets the sign of the field, where |f| is at least this share of its distance, and the gradient agrees
with it."""


@dataclass(frozen=True, eq=False)
class Latent:
    """Codes (b, l), and the means and log deviations (b, l) that they were drawn with, where an encoder gave them."""

    code: Tensor
    mean: Tensor | None = None
    log_deviation: Tensor | None = None


@dataclass(frozen=True)
class SaldShapeSpace:
    """SAL or SALD: a decoder and an encoder (`Autoencoder`), or a decoder and a table of codes."""

    config: Config
    module: nn.Module = field(default_factory=nn.Module)
    table: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    posterior: ClassVar[bool] = False

    @property
    def training(self) -> Training:
        """How it is trained."""
        return self.config.training

    def start(self, shapes: Sequence[Shape], seed: int, report: ProgressCallback) -> SaldShapeSpace:
        """The sphere, for every shape."""
        config, generator = self.config, torch.Generator().manual_seed(seed)
        try:
            module: nn.Module = GeometricDecoder(
                config.length, config.dims, config.skip, activation=config.activation, radius=config.radius,
                slope=config.slope, norm_layers=config.norm_layers, same_start=config.same_start, generator=generator,
            )  # fmt: skip
        except ValueError as error:
            raise InputError(f"these settings make no network ({error}): change dims, skip or length.") from None
        if config.encoder is not None:
            encoder, inputs = config.encoder, 6 if config.encoder.normals else 3
            net = PointNet(
                config.length, encoder.width, encoder.rounds, inputs, keep_scale=encoder.keep_scale, generator=generator
            )
            module = Autoencoder(module, net)
        table = torch.zeros(len(shapes), config.length)
        if config.encoder is None and config.same_start:  # codes of 0 and weights of 0 would never move
            table.normal_(0, FIRST_CODES, generator=generator)
        return replace(self, module=module, table=table)

    def draw(self, shape: Shape, random: np.random.Generator) -> Mapping[str, np.ndarray]:
        """Queries with their unsigned distances and directions, and points on the surface."""
        config, encoder = self.config, self.config.encoder
        number = int(random.integers(config.augmentation.warps + 1))
        shape = self._copies(shape, number) if number else shape
        some = _window(shape.rows["unsigned"], config.samples, random)
        on = _window(shape.rows["surface"], encoder.points if encoder else config.samples, random)
        drawn = {
            "query": some[:, :3], "distance": some[:, 3], "direction": some[:, 4:], "points": on[:, :3],
            "normals": on[:, 3:],
        }  # fmt: skip
        return _copy(drawn, config.augmentation, random)

    def init(self, batch: Batch) -> Latent:
        """A draw of the encoder's distribution, or rows of the table."""
        if self.config.encoder is None:
            return Latent(self.table[batch["row"]])
        mean, log_deviation = self._encoder(_observed(self.config.encoder, batch))
        drawn = torch.randn(mean.shape, generator=batch.random, device=mean.device)
        return Latent(mean + log_deviation.exp() * drawn, mean, log_deviation)

    def losses(self, code: Latent, batch: Batch) -> dict[str, Tensor]:
        """The terms of the objective, summed over the shapes."""
        config = self.config
        terms = self._unsigned(code.code, batch, config.direction)
        if config.normals:
            gradient = self._decoder.value_and_gradient(batch["points"], code.code)[1]
            terms["normals"] = config.normals * unsigned_direction(gradient.float(), batch["normals"])
        if code.mean is not None and code.log_deviation is not None and config.encoder is not None:
            spread = code.mean.abs().mean(1) + (code.log_deviation + 1).abs().mean(1)
            terms["regularizer"] = config.encoder.regularizer * spread
        else:
            terms["prior"] = config.prior * code.code.square().mean(1)
        return {name: value.sum() for name, value in terms.items()}

    def _unsigned(self, code: Tensor, batch: Batch, direction: float) -> dict[str, Tensor]:
        """The first two terms (b,) of codes (b, l)."""
        if not direction:
            value = self._decoder(batch["query"], code)
            return {"distance": unsigned_value(value.float(), batch["distance"])}
        value, gradient = self._decoder.value_and_gradient(batch["query"], code)
        return {
            "distance": unsigned_value(value.float(), batch["distance"]),
            "direction": direction * unsigned_direction(gradient.float(), batch["direction"]),
        }

    @torch.no_grad()
    def codes(self, shapes: Sequence[Shape]) -> Tensor:
        """The encoder's means, or the table."""
        if self.config.encoder is None:
            return self.table
        device = str(self.table.device)
        with deterministic():
            return torch.stack(parallel_map(lambda shape: self._encoded(shape, device), shapes))

    def infer(self, shapes: Sequence[Shape], seed: int = 0, device: str = "cpu") -> Iterator[FitProgress[Tensor]]:
        """The codes (b, l) of unseen shapes."""
        find = {
            "encoder": lambda shape, seed, device: self._encoded(shape, device),
            "code": lambda shape, seed, device: self._descended(shape, None, seed, device),
            "both": lambda shape, seed, device: self._descended(shape, self._encoded(shape, device), seed, device),
            "lm": self._by_squares,
        }[self.config.infer_by]

        def code(shape: Shape) -> Tensor:
            return find(shape, seed, device)

        with deterministic():
            codes = torch.stack(parallel_map(code, shapes))
        yield FitProgress("inferring codes", 1.0, codes)

    def field(self, code: Tensor) -> nn.Module:
        """f(.; z)."""
        return LatentField(cast(nn.Module, self._decoder), code)

    def complete(self, shape: Shape, count: int, random: torch.Generator) -> Tensor:
        """The code whose signed field agrees with the samples of a part, by Adam from the origin."""
        if count > 1:
            raise InputError("the codes of SAL and SALD have no posterior to draw from: leave --samples out.")
        config, samples = self.config, shape.sdf
        tensors = {"points": tensor(samples.points, "cpu"), "distance": tensor(samples.distance, "cpu")}
        if samples.free is not None:
            tensors["free"] = torch.as_tensor(samples.free)

        def objective(u: Tensor, batch: Batch) -> dict[str, Tensor]:
            value = self._decoder(batch["points"][None], self._code(u)[None])[0]
            distance = lower_bounded(value.detach(), batch["distance"], batch.tensors.get("free"))
            return {"distance": (value - distance).abs().mean(), "prior": config.infer_prior * u.square().mean()}

        batches = row_batches(tensors, config.infer_samples, np.random.default_rng(0))
        with deterministic():
            found = descend_code(objective, torch.zeros_like(self.table[0]), batches, self._rates())
        return self._code(found)[None]

    def refine(self, code: Tensor, shape: Shape) -> nn.Module:
        """The field, bent on a grid towards the distances of the shape, with the signs of the code's field."""
        start = self.field(code)
        return refined_by_grid(start, shape.samples or _signed(start, shape.rows["unsigned"]))

    @property
    def _decoder(self) -> Differentiable:
        return cast(Differentiable, getattr(self.module, "decoder", self.module))

    @cached_property
    def _copies(self) -> Callable[[Shape, int], Shape]:
        """The warped copies of a shape, by number."""
        return lru_cache(KEPT)(partial(_warped, self.config.augmentation.warp))

    @property
    def _encoder(self) -> PointNet:
        return cast(PointNet, self.module.encoder)

    @torch.no_grad()
    def _encoded(self, shape: Shape, device: str) -> Tensor:
        """The encoder's mean (l,), of several draws of points."""
        encoder = self.config.encoder
        assert encoder is not None
        random = np.random.default_rng(0)
        draws = [_window(shape.rows["surface"], encoder.points, random) for _ in range(self.config.infer_draws)]
        on = tensor(np.stack(draws), device)
        mean: Tensor = self._encoder(_observed(encoder, {"points": on[..., :3], "normals": on[..., 3:]}))[0].mean(0)
        return mean

    @cached_property
    def _origin(self) -> tuple[Tensor, float]:
        """What a code u of an inference counts from, (l,), and in: z = origin + unit u."""
        if not self.config.infer_relative or len(self.table) < 2:
            return torch.zeros_like(self.table[0]), 1.0
        return self.table.mean(0), float(self.table.std(0).square().mean().sqrt()) or 1.0

    def _code(self, u: Tensor) -> Tensor:
        origin, unit = self._origin
        return origin + unit * u

    def _objective(self, u: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The terms of the descent on a code u (l,)."""
        one = Batch({name: value[None] for name, value in batch.tensors.items()})
        terms = self._unsigned(self._code(u)[None], one, self.config.infer_direction)
        return {
            **{name: value.sum() for name, value in terms.items()}, "prior": self.config.infer_prior * u.square().mean()
        }  # fmt: skip

    def _descended(self, shape: Shape, start: Tensor | None, seed: int, device: str) -> Tensor:
        """The code (l,) by Adam, from the origin or a start (l,)."""
        origin, unit = self._origin
        u = torch.zeros_like(origin) if start is None else (start - origin) / unit
        batches = _queries(shape, (0, None), self.config.infer_samples, np.random.default_rng(seed), device)
        return self._code(descend_code(self._objective, u, batches, self._rates()))

    def _by_squares(self, shape: Shape, seed: int, device: str) -> Tensor:
        """The code (l,) by Levenberg-Marquardt from the encoder's and the best training codes, and a short Adam."""
        config, random, (origin, unit) = self.config, np.random.default_rng(seed), self._origin
        cut = len(shape.rows["unsigned"]) * 3 // 4
        starts = self.table if config.encoder is None else torch.cat([self._encoded(shape, device)[None], self.table])
        problem = CodeProblem(self._residuals, self._errors, self._objective, config.infer_prior)
        u = search_code(
            problem, (starts - origin) / unit, lambda number: _queries(shape, (0, cut), number, random, device),
            lambda number: _queries(shape, (cut, None), number, random, device),
            _queries(shape, (0, cut), config.infer_samples, random, device), samples=config.infer_samples,
            best=config.infer_starts, rounds=config.infer_rounds, rate=config.infer_rate, polish=config.infer_polish,
        )  # fmt: skip
        return self._code(u)

    def _residuals(self, u: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """|f| - d (k, m) of codes (k, l) at m queries, Jacobians (k, m, l) and weights (k, m)."""
        values: list[Tensor] = []
        jacobians: list[Tensor] = []
        for one in u:  # one pass back through the network: every query has a code of its own
            own = one.expand(len(batch), -1).clone().requires_grad_()
            value = self._decoder(batch["query"][:, None], self._code(own))[:, 0].abs()
            jacobians += torch.autograd.grad(value.sum(), [own])
            values.append(value.detach() - batch["distance"])
        error = torch.stack(values)
        return error, torch.stack(jacobians), 1 / (error.abs() + SHARP) / len(batch)

    @torch.no_grad()
    def _errors(self, u: Tensor, batch: Batch) -> Tensor:
        """mean | |f| - d | (k,) of codes (k, l)."""
        x, distance = batch["query"], batch["distance"]
        parts = u.split(max(VALUES // len(x), 1))
        return torch.cat([
            unsigned_value(self._decoder(x.expand(len(part), -1, -1), self._code(part)), distance.expand(len(part), -1))
            for part in parts
        ])  # fmt: skip

    def _rates(self) -> list[float]:
        config = self.config
        return [config.infer_rate * (1 if 2 * step < config.infer_steps else 0.1) for step in range(config.infer_steps)]


def _window(rows: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """`count` rows that follow each other, float32, from a random one on; rows repeat where there are fewer."""
    start = int(random.integers(max(len(rows) - count, 0) + 1))
    return np.resize(np.asarray(rows[start : start + count], np.float32), (count, rows.shape[1]))


def _queries(
    shape: Shape, part: tuple[int, int | None], count: int, random: np.random.Generator, device: str
) -> Batches:
    """Batches of random queries out of a part of a shape's."""
    rows = tensor(np.array(shape.rows["unsigned"][slice(*part)]), device)
    return row_batches({"query": rows[:, :3], "distance": rows[:, 3], "direction": rows[:, 4:]}, count, random)


def _observed(encoder: PointEncoder, part: Batch | Mapping[str, Tensor]) -> Tensor:
    """What the encoder sees (b, n, 3 or 6)."""
    return torch.cat([part["points"], part["normals"]], -1) if encoder.normals else part["points"]


def _warped(displacement: float, shape: Shape, number: int) -> Shape:
    """A warped copy of a shape, which its first point and the number determine."""
    rows = {kind: np.array(some[:WARPED], np.float32) for kind, some in shape.rows.items()}
    random = np.random.default_rng([number, *rows["surface"][0, :3].view(np.uint32)])
    return Shape(rows=warped(rows, random_warp(rows["surface"][:, :3], displacement, random)))


def _copy(drawn: dict[str, np.ndarray], how: Augmentation, random: np.random.Generator) -> dict[str, np.ndarray]:
    """What was drawn of a shape, of a random copy of it."""
    turn, scale = np.radians(how.turn) * random.uniform(-1, 1), float(np.exp(how.scale * random.uniform(-1, 1)))
    mirrored = [-1.0 if axis in how.mirror and random.random() < 0.5 else 1.0 for axis in "xyz"]
    first, second = ((1, 2), (2, 0), (0, 1))["xyz".index(how.axis)]
    matrix = np.diag(mirrored)
    rotation = np.eye(3)
    rotation[[first, first, second, second], [first, second, first, second]] = [
        np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn),
    ]  # fmt: skip
    matrix = (rotation @ matrix).T.astype(np.float32)
    lengths = {"query": scale, "points": scale, "direction": 1.0, "normals": 1.0}
    return {
        name: rows * np.float32(scale) if name == "distance" else (rows @ matrix) * np.float32(lengths[name])
        for name, rows in drawn.items()
    }


def _signed(field_: nn.Module, rows: np.ndarray) -> SdfSamples:
    """Unsigned rows (n, 7) with the signs of a field, where it is certain of them."""
    x = torch.from_numpy(np.array(rows[:, :3], np.float32))
    with torch.no_grad():
        value, gradient = (
            torch.cat(parts).numpy()
            for parts in zip(*(value_and_gradient(field_, some) for some in x.split(ROWS)), strict=True)
        )
    distance = np.asarray(rows[:, 3], np.float32)
    along = (gradient * rows[:, 4:]).sum(1) / np.maximum(np.linalg.norm(gradient, axis=1), 1e-12)
    close = distance < CLOSE
    kept = np.where(close, np.abs(along) >= ALONG, (np.abs(value) >= AGREEING * distance) & (along * value > 0))
    signed = np.copysign(distance, np.where(close, along, value))
    return SdfSamples(x.numpy()[kept], signed[kept])
