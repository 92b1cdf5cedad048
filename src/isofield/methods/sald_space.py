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

The code of an unseen shape is the encoder's mean, or the result of a descent on z alone (`methods.unsigned_codes`).

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

from isofield.adapt import codes_of, tensor
from isofield.configs import PointEncoder
from isofield.configs import SaldSpace as Config
from isofield.errors import InputError
from isofield.fields.autoencoder import Autoencoder
from isofield.fields.basis_encoder import BasisEncoder
from isofield.fields.decoder import LatentField
from isofield.fields.geometric_decoder import Differentiable, GeometricDecoder
from isofield.fields.point_net import PointNet
from isofield.losses.sign_agnostic import unsigned_direction, unsigned_value
from isofield.methods.grid_fit import refined_by_grid
from isofield.methods.signs_of_field import signed_by
from isofield.methods.unsigned_codes import UnsignedCodes
from isofield.sampling.unsigned_rows import window
from isofield.sampling.warped_samples import random_copy, random_warp, warped
from isofield.threads import deterministic
from isofield.types import Batch, FitProgress, ProgressCallback, Shape

FIRST_CODES = 0.01
"""Standard deviation of the first entries of a table, where the sphere does not depend on the code."""
SPREAD = 0.08
"""Standard deviation of the points of a basis from surfaces of the shapes."""
WARPED, KEPT = 10_000, 2048
"""Samples of a warped copy, and the most copies in memory (each half a megabyte)."""


@dataclass(frozen=True, eq=False)
class Latent:
    """Codes (b, l), and the means and log deviations (b, l) that they were drawn with, where an encoder gave them."""

    code: Tensor
    mean: Tensor | None = None
    log_deviation: Tensor | None = None

    @classmethod
    def drawn(cls, mean: Tensor, log_deviation: Tensor, random: torch.Generator | None) -> Latent:
        """Codes mean + exp(log deviation) e, e ~ N(0, I)."""
        noise = torch.randn(mean.shape, generator=random, device=mean.device)
        return cls(mean + log_deviation.exp() * noise, mean, log_deviation)


@dataclass(frozen=True)
class SaldShapeSpace:
    """SAL or SALD: a decoder and an encoder (`Autoencoder`), or a decoder and a table of codes."""

    config: Config
    module: nn.Module = field(default_factory=nn.Module)
    table: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    posterior: ClassVar[bool] = False

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
            module = Autoencoder(module, _encoder(config.encoder, config.length, shapes, generator))
        table = torch.zeros(len(shapes), config.length)
        if config.encoder is None and config.same_start:  # codes of 0 and weights of 0 would never move
            table.normal_(0, FIRST_CODES, generator=generator)
        return replace(self, module=module, table=table)

    def draw(self, shape: Shape, random: np.random.Generator) -> Mapping[str, np.ndarray]:
        """Queries with their unsigned distances and directions, and points on the surface."""
        config, encoder = self.config, self.config.encoder
        number = int(random.integers(config.augmentation.warps + 1))
        shape = self._copies(shape, number) if number else shape
        some = window(shape.rows["unsigned"], config.samples, random)
        on = window(shape.rows["surface"], encoder.points if encoder else config.samples, random)
        drawn = {
            "query": some[:, :3], "distance": some[:, 3], "direction": some[:, 4:], "points": on[:, :3],
            "normals": on[:, 3:],
        }  # fmt: skip
        return random_copy(drawn, config.augmentation, random)

    def init(self, batch: Batch) -> Latent:
        """A draw of the encoder's distribution, or rows of the table."""
        if self.config.encoder is None:
            return Latent(self.table[batch["row"]])
        mean, log_deviation = self._means(_observed(self.config.encoder, batch))
        return Latent.drawn(mean.flatten(0, 1), log_deviation.flatten(0, 1), batch.random)

    def losses(self, code: Latent, batch: Batch) -> dict[str, Tensor]:
        """The terms of the objective, summed over the shapes."""
        config = self.config
        terms = self._unsigned(code.code, batch, config.direction)
        if config.normals:
            points, normals = (_parts(batch[name], len(code.code)) for name in ("points", "normals"))
            gradient = self._decoder.value_and_gradient(points, code.code)[1]
            terms["normals"] = config.normals * unsigned_direction(gradient.float(), normals)
        if code.mean is not None and code.log_deviation is not None and config.encoder is not None:
            spread = code.mean.abs().mean(1) + (code.log_deviation + 1).abs().mean(1)
            terms["regularizer"] = config.encoder.regularizer * spread
        else:
            terms["prior"] = config.prior * code.code.square().mean(1)
        return {name: value.sum() * len(batch) / len(code.code) for name, value in terms.items()}

    def _unsigned(self, code: Tensor, batch: Batch, direction: float) -> dict[str, Tensor]:
        """The first two terms (k,) of codes (k, l): of several of a shape, each answers for a part of its queries."""
        query, distance, away = (_parts(batch[name], len(code)) for name in ("query", "distance", "direction"))
        if not direction:
            return {"distance": unsigned_value(self._decoder(query, code).float(), distance)}
        value, gradient = self._decoder.value_and_gradient(query, code)
        return {
            "distance": unsigned_value(value.float(), distance),
            "direction": direction * unsigned_direction(gradient.float(), away),
        }

    @torch.no_grad()
    def codes(self, shapes: Sequence[Shape]) -> Tensor:
        """The encoder's means, or the table."""
        if self.config.encoder is None:
            return self.table
        device = str(self.table.device)
        return codes_of(lambda shape: self._encoded(shape, device), shapes)

    def infer(self, shapes: Sequence[Shape], seed: int = 0, device: str = "cpu") -> Iterator[FitProgress[Tensor]]:
        """The codes (b, l) of unseen shapes."""
        search, by, encoder = self._search, self.config.infer_by, self.config.encoder

        def code(shape: Shape) -> Tensor:
            start = None if encoder is None or by == "code" else self._encoded(shape, device)
            if by == "encoder" and start is not None:
                return start
            find = search.by_squares if by == "lm" else search.by_adam
            return find(shape.rows["unsigned"], start, seed)

        yield FitProgress("inferring codes", 1.0, codes_of(code, shapes))

    def field(self, code: Tensor) -> nn.Module:
        """f(.; z)."""
        return LatentField(cast(nn.Module, self._decoder), code)

    def complete(self, shape: Shape, count: int, random: torch.Generator) -> Tensor:
        """The code whose signed field agrees with the samples of a part."""
        with deterministic():
            return self._search.of_part(shape.sdf)[None]

    def refine(self, code: Tensor, shape: Shape) -> nn.Module:
        """The field, bent on a grid towards the distances of the shape, with the signs of the code's field."""
        start = self.field(code)
        return refined_by_grid(start, shape.samples or signed_by(start, shape.rows["unsigned"]))

    @property
    def _decoder(self) -> Differentiable:
        return cast(Differentiable, getattr(self.module, "decoder", self.module))

    @cached_property
    def _copies(self) -> Callable[[Shape, int], Shape]:
        """The warped copies of a shape, by number."""
        return lru_cache(KEPT)(partial(_warped, self.config.augmentation.warp))

    def _means(self, observed: Tensor) -> tuple[Tensor, Tensor]:
        """The encoder's means and log deviations (b, k, l); the last of the k are its results."""
        encoder = cast(PointNet | BasisEncoder, self.module.encoder)
        if isinstance(encoder, BasisEncoder):
            return encoder(observed, self._decoder)  # type: ignore[no-any-return]
        mean, log_deviation = encoder(observed)
        return mean[:, None], log_deviation[:, None]

    @torch.no_grad()
    def _encoded(self, shape: Shape, device: str) -> Tensor:
        """The encoder's mean (l,), of several draws of points."""
        encoder = self.config.encoder
        assert encoder is not None
        random = np.random.default_rng(0)
        draws = [window(shape.rows["surface"], encoder.points, random) for _ in range(self.config.infer_draws)]
        on = tensor(np.stack(draws), device)
        return self._means(_observed(encoder, {"points": on[..., :3], "normals": on[..., 3:]}))[0][:, -1].mean(0)

    @property
    def _search(self) -> UnsignedCodes:
        return UnsignedCodes(
            self.config, self._decoder, self.table,
            lambda code, batch: self._unsigned(code, batch, self.config.infer_direction),
        )  # fmt: skip


def _encoder(
    config: PointEncoder, length: int, shapes: Sequence[Shape], generator: torch.Generator
) -> PointNet | BasisEncoder:
    """The encoder at its start; its basis is spread around the surfaces of the shapes."""
    inputs = 6 if config.normals else 3
    if not config.basis:
        return PointNet(
            length, config.width, config.rounds, inputs, keep_scale=config.keep_scale, generator=generator
        )  # fmt: skip
    on = np.concatenate([shape.rows["surface"][: config.basis, :3] for shape in shapes])
    basis = torch.from_numpy(on)[torch.randperm(len(on), generator=generator)[: config.basis]]
    basis = basis + SPREAD * torch.randn(basis.shape, generator=generator)
    return BasisEncoder(basis, length, config.width, config.rounds, inputs, generator=generator)


def _parts(some: Tensor, count: int) -> Tensor:
    """Rows (b, n, ...) in equal parts (count, n // (count / b), ...), those of a shape after each other."""
    each = count // len(some)
    size = some.shape[1] // each
    return some[:, : each * size].reshape(count, size, *some.shape[2:])


def _observed(encoder: PointEncoder, part: Batch | Mapping[str, Tensor]) -> Tensor:
    """What the encoder sees (b, n, 3 or 6)."""
    return torch.cat([part["points"], part["normals"]], -1) if encoder.normals else part["points"]


def _warped(displacement: float, shape: Shape, number: int) -> Shape:
    """A warped copy of a shape, which its first point and the number determine."""
    rows = {kind: np.array(some[:WARPED], np.float32) for kind, some in shape.rows.items()}
    random = np.random.default_rng([number, *rows["surface"][0, :3].view(np.uint32)])
    return Shape(rows=warped(rows, random_warp(rows["surface"][:, :3], displacement, random)))
