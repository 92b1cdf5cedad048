"""Occupancy networks: Mescheder, Oechsle, Niemeyer, Nowozin and Geiger, "Occupancy Networks: Learning 3D Reconstruction
in Function Space", CVPR 2019.

A network f gives the logit that a point is outside of the shape with the code z, and learns from points that are known
to be inside or outside, uniform in a cube, by cross-entropy (eq. 3):

    mean_i  mean_q BCE( sigmoid(f(q; z_i)), q is outside shape i )  +  kl / 2048 * KL( q(z_i) | N(0, 1) )

The code z_i is an encoder's, of a few noisy points of the surface (a PointNet), of a grid of voxels, or of a picture (a
ResNet; of several pictures the mean of their codes, and in the camera's frame that of the first); or, without an input,
a row of a table, with prior * mean z_i^2 in place of the last term. With `kl` the encoder is variational, and without
an input an encoder of the queries gives the codes (eq. 4, of the unconditional model).

The field that comes out has its values divided by the slope at surfaces, a learned scalar, so that it is about the
signed distance there. The code of an unseen shape is the encoder's mean; without an input it is found by descent on the
cross-entropy of samples of a closed mesh, as is that of a part of a shape with any input.

What differs from the released code: a decoder of linear layers that the code joins, without batch norm; an encoder
whose output starts at 0. Options of our own: half of the queries inside, with logits corrected for it, and training
clouds that are normalised by their own points.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import codes_of, cosine_rates, descend_code, tensor
from isofield.configs import Occupancy
from isofield.errors import InputError
from isofield.fields.decoder import LatentField
from isofield.fields.occupancy_field import OccupancyField
from isofield.fields.point_net import PointNet
from isofield.fields.voxel_encoder import VoxelEncoder
from isofield.losses.occupancy import cross_entropy, divergence
from isofield.methods.conditioned import decoder_of
from isofield.methods.grid_fit import refined_by_grid
from isofield.methods.pictured import drawn_picture, framed, picture_encoder, pictures_of
from isofield.methods.sald_space import Latent
from isofield.sampling.balanced import labelled
from isofield.sampling.unsigned_rows import window
from isofield.threads import deterministic
from isofield.types import LOGGED, Batch, FitProgress, ProgressCallback, SdfSamples, Shape, normalization

VOXELISED, CALIBRATED = 20_000, 64
"""Points of the surface that voxels are made of, and at which the slope is measured in each step."""
FIRST_CODES = 0.1
"""Deviation of the first codes of pictures: longer ones, other in every step, teach the decoder nothing."""
QUERIES = 2048
"""Queries whose cross-entropies the evidence lower bound adds: as published, however few of them a step draws."""
FIRST, COUNTED = 64, 10_000
"""Shapes whose pictures are standardized at first; of their first samples the fraction inside is counted."""
SLOPE = 1e-2
"""Weight of the error of the slope, so that it does not count in the norm of the gradient."""


@dataclass(frozen=True)
class OccupancySpace:
    """A decoder of occupancies with an encoder, or with a table of codes (`OccupancyField`)."""

    config: Occupancy
    module: nn.Module = field(default_factory=nn.Module)
    table: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    posterior: ClassVar[bool] = False

    def start(self, shapes: Sequence[Shape], seed: int, report: ProgressCallback) -> OccupancySpace:
        """The untrained networks, and the first codes of a table."""
        config, generator = self.config, torch.Generator().manual_seed(seed)
        try:
            decoder = decoder_of(config, 3, 1, config.frequencies, generator)
        except ValueError as error:
            raise InputError(f"these settings make no network ({error}): change dims, rejoin or length.") from None
        inside = np.mean([np.mean(shape.rows["occupancy"][:COUNTED, 3] > 0.5) for shape in shapes[:FIRST]])
        with torch.no_grad():  # at first every point has the odds of all
            last = getattr(decoder, f"lin{len(config.dims)}")
            last.bias += float(np.log((1 - inside) / inside)) if 0 < inside < 1 else 0.0
        table = torch.randn(len(shapes), config.length, generator=generator) * config.code_std
        encoder = encoder_of(config, shapes[:FIRST], seed, generator)
        return replace(self, module=OccupancyField(decoder, encoder), table=table if config.table else table[:, :0])

    def draw(self, shape: Shape, random: np.random.Generator) -> Mapping[str, np.ndarray]:
        """Labelled queries, points on the surface, and what the encoder gets (1, ...)."""
        config = self.config
        drawn = labelled(shape.rows["occupancy"], config.samples, random, balanced=config.inside)
        drawn["surface"] = np.asarray(window(shape.rows["surface"], CALIBRATED, random)[:, :3], np.float32)
        if config.input == "image":
            number, drawn["observed"] = drawn_picture(shape, config.picture, random)
            for name in ("query", "surface"):
                drawn[name] = framed(drawn[name], shape, number, config.frame)
        elif not config.table:
            drawn["observed"] = self._observed(shape, random)
        if config.input == "cloud":
            noise = config.noise * random.standard_normal(drawn["observed"].shape)
            drawn["observed"] = (drawn["observed"] + noise).astype(np.float32)
            if random.random() < config.reframe:
                frame = normalization(drawn["observed"][0])
                for name in ("observed", "query", "surface"):
                    drawn[name] = frame.apply(drawn[name]).astype(np.float32)
        return drawn

    def _observed(self, shape: Shape, random: np.random.Generator) -> np.ndarray:
        """What the encoder gets of a shape but pictures: points (1, n, 3), or labelled points (1, n, 4)."""
        if self.config.input == "none":
            some = labelled(shape.rows["occupancy"], self.config.points, random, balanced=self.config.inside)
            return np.column_stack([some["query"], some["outside"]])[None]
        count = self.config.points if self.config.input == "cloud" else VOXELISED
        return np.asarray(window(shape.rows["surface"], count, random)[None, :, :3], np.float32)

    def init(self, batch: Batch) -> Latent:
        """The encoder's codes, or rows of the table."""
        if self._module.encoder is None:
            return Latent(self.table[batch["row"]])
        mean, log_deviation = self._encoded(batch["observed"][:, 0])
        return Latent(mean) if log_deviation is None else Latent.drawn(mean, log_deviation, batch.random)

    def _encoded(self, observed: Tensor) -> tuple[Tensor, Tensor | None]:
        """Means and, of a variational encoder, log deviations (b, l)."""
        assert self._module.encoder is not None
        if self.config.input == "image":
            return self._module.encoder(observed), None
        mean, log_deviation = self._module.encoder(observed)
        return mean, log_deviation if self.config.kl else None

    def losses(self, code: Latent, batch: Batch) -> dict[str, Tensor]:
        """The terms of the objective, summed over the shapes."""
        config, z = self.config, code.code
        logit = self._module.logit(batch["query"], z).float()
        terms = {"cross_entropy": cross_entropy(logit + batch["shift"], batch["outside"])}
        if code.mean is not None and code.log_deviation is not None:
            terms["kl"] = config.kl / QUERIES * divergence(code.mean, code.log_deviation)
        elif config.table:
            terms["prior"] = config.prior * z.square().mean(1)
        terms["slope"] = SLOPE * self._module.slope_error(batch["surface"], z)
        terms[f"{LOGGED}misclassified"] = ((logit.detach() > 0) != (batch["outside"] > 0.5)).float().mean(1)
        return {name: value.sum() for name, value in terms.items()}

    @torch.no_grad()
    def codes(self, shapes: Sequence[Shape]) -> Tensor:
        """The table, or the encoder's means."""
        if self.config.table:
            return self.table
        device = str(self.table.device)
        return codes_of(lambda shape: self._start(shape, 0, device), shapes)

    def infer(self, shapes: Sequence[Shape], seed: int = 0, device: str = "cpu") -> Iterator[FitProgress[Tensor]]:
        """The codes (b, l) of unseen shapes."""

        def code(shape: Shape) -> Tensor:
            start = self._start(shape, seed, device)
            return self._descended(shape.rows["occupancy"], start, seed) if self.config.input == "none" else start

        yield FitProgress("inferring codes", 1.0, codes_of(code, shapes))

    @torch.no_grad()
    def _start(self, shape: Shape, seed: int, device: str) -> Tensor:
        """The encoder's mean (l,), or the mean of the table."""
        if self._module.encoder is None:
            return self.table.mean(0)
        if self.config.input == "image":
            return self._encoded(pictures_of(shape, self.config.picture, self.config.frame, device))[0].mean(0)
        return self._encoded(tensor(self._observed(shape, np.random.default_rng(seed)), device))[0].mean(0)

    def _descended(self, rows: np.ndarray, start: Tensor, seed: int) -> Tensor:
        """A code (l,) after steps of Adam on the cross-entropy of occupancy samples (n, 4)."""
        config, random, device = self.config, np.random.default_rng(seed), str(self.table.device)
        middle, unit = self.table.mean(0), float(self.table.std(0, correction=0).square().mean().sqrt()) or 1.0

        def batch(step: int) -> Batch:
            some = labelled(rows, config.infer_samples, random, balanced=config.inside)
            return Batch({name: tensor(value, device)[None] for name, value in some.items()}, step + 1)

        def objective(u: Tensor, some: Batch) -> dict[str, Tensor]:
            logit = self._module.logit(some["query"], (middle + unit * u)[None])
            entropy = cross_entropy(logit + some["shift"], some["outside"]).sum()
            return {"cross_entropy": entropy, "prior": config.prior * u.square().mean()}

        rates = cosine_rates(config.infer_rate, config.infer_steps)
        return middle + unit * descend_code(objective, (start - middle) / unit, batch, rates)

    def field(self, code: Tensor) -> nn.Module:
        """f(.; z) over its slope."""
        return LatentField(self.module, code)

    def complete(self, shape: Shape, count: int, random: torch.Generator) -> Tensor:
        """The code that agrees with which samples of a part are inside, by descent from the mean code."""
        rows = np.column_stack([shape.sdf.points, shape.sdf.distance < 0])
        with deterministic():
            return self._descended(rows, self.table.mean(0), 0)[None]

    def refine(self, code: Tensor, shape: Shape) -> nn.Module:
        """The field, bent on a grid towards the samples of the shape, or the points of its surface."""
        on = np.asarray(shape.rows["surface"][:, :3], np.float32) if shape.samples is None else np.zeros((0, 3))
        samples = shape.samples or SdfSamples(on, np.zeros(len(on), np.float32))
        return refined_by_grid(self.field(code), samples)

    @property
    def _module(self) -> OccupancyField:
        return cast(OccupancyField, self.module)


def encoder_of(config: Occupancy, shapes: Sequence[Shape], seed: int, generator: torch.Generator) -> nn.Module | None:
    """The encoder of an input, before training; None for a table."""
    match config.input:
        case "image":
            return picture_encoder(config.length, config.picture, shapes, seed, generator, FIRST_CODES)
        case "voxels":
            return VoxelEncoder(config.length, config.cells, config.channels, generator)
        case "none" if config.table:
            return None
    inputs = 3 if config.input == "cloud" else 4
    return PointNet(config.length, config.width, config.rounds, inputs, keep_scale=True, generator=generator)
