"""Pictures to the codes of a linear space of the same shapes, with their certainty.

The linear space (`methods.linear`) is solved first, with the codes z_i of the training shapes; they are white. Then an
encoder, a ResNet-18 (He et al. 2016), sees a picture of a shape, and gives the mean mu and the deviation sigma of every
entry of its code:

    argmin_mu     mean_i  sum_l w_l (mu_l(picture_i) - z_il)^2,   w_l = |b_l|^2 / sum_k |b_k|^2,
    argmin_sigma  mean_i  mean_l  (mu_l - z_il)^2 / (2 sigma_l^2) + log sigma_l    (Kendall and Gal, "What Uncertainties
                  Do We Need in Bayesian Deep Learning for Computer Vision?", NeurIPS 2017, eq. 5).

and the field of mu pulls queries q around the shape's cloud onto it, as in Neural-Pull (Ma et al. 2021, eq. 2):

    + pull * mean_q |q - f(q; mu) grad f(q; mu) / |grad f(q; mu)| - n(q)|.

With the components b_l the first is the squared error of the distances over the grid, as a fraction of their variance.
mu learns from seven of eight shapes and sigma from the others, since the errors of a shape that mu has learned are too
small. The code of several pictures of one shape is the mean of mu, in which every entry counts by 1 / sigma^2.

In a space with mirror images (`flip`) half of the pictures are mirrored: the code of a mirrored shape has the opposite
sign in the components that are odd.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import codes_of
from isofield.configs import ImageCodes
from isofield.errors import InputError
from isofield.fields.autoencoder import Autoencoder
from isofield.fields.grid import SparseGrid
from isofield.fields.pca_grid import PcaGrid
from isofield.fields.resnet import ResNet
from isofield.losses.pull import pull_loss
from isofield.methods.linear import LinearSpace
from isofield.methods.pictured import drawn_picture, picture_encoder, pictures_of
from isofield.sampling.unsigned_rows import window
from isofield.types import LOGGED, Batch, FitProgress, ProgressCallback, Shape

EVERY = 8
"""Every 8th shape teaches the deviations alone, where there are twice as many or more."""
FIRST = 0.1
"""Deviation of the first codes: near the mean shape."""
LEAST, MOST = -4.0, 2.0
"""Bounds of a log deviation; the codes of training shapes have the deviation 1."""


@dataclass(frozen=True, eq=False)
class Latent:
    """Means and log deviations (b, l) of codes."""

    mean: Tensor
    log_deviation: Tensor


@dataclass(frozen=True)
class ImageCodesSpace:
    """A linear space with an encoder of pictures (`Autoencoder`); the encoder alone is trained."""

    config: ImageCodes
    module: nn.Module = field(default_factory=nn.Module)
    table: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    posterior: ClassVar[bool] = True

    @property
    def linear(self) -> LinearSpace:
        """The linear space."""
        return LinearSpace(self.config.linear, cast(Autoencoder, self.module).decoder, self.table)

    def start(self, shapes: Sequence[Shape], seed: int, report: ProgressCallback) -> ImageCodesSpace:
        """The linear space, and an encoder whose codes are near its mean."""
        linear, encoder = LinearSpace(self.config.linear).start(shapes, seed, report), self.config.encoder
        if self.config.flip != "-" and "xyz".index(self.config.flip) not in linear.grid.mirrored:
            raise InputError(f"the linear space has no mirror images along {self.config.flip}: leave flip out.")
        generator = torch.Generator().manual_seed(seed)
        net = picture_encoder(2 * linear.grid.length, encoder, shapes, seed, generator, FIRST)
        return replace(self, module=Autoencoder(linear.grid, net), table=linear.table)

    def codes(self, shapes: Sequence[Shape]) -> Tensor:
        """The table of the linear space."""
        return self.table

    def draw(self, shape: Shape, random: np.random.Generator) -> Mapping[str, np.ndarray]:
        """A picture, and whether it is mirrored, as queries and the points of the cloud nearest to them are."""
        _, picture = drawn_picture(shape, self.config.encoder, random)
        flipped = self.config.flip != "-" and bool(random.integers(2))
        picture = np.ascontiguousarray(picture[..., ::-1]) if flipped else picture
        drawn = {"picture": picture, "flipped": np.array([flipped])}
        if self.config.pull:
            some = np.array(window(shape.rows["cloud"], self.config.samples, random), np.float32).reshape(-1, 2, 3)
            if flipped:
                some[..., "xyz".index(self.config.flip)] *= -1
            drawn |= {"query": some[:, 0], "nearest": some[:, 1]}
        return drawn

    def init(self, batch: Batch) -> Latent:
        """The codes of the pictures."""
        return self._encoded(batch["picture"][:, 0])

    def losses(self, code: Latent, batch: Batch) -> dict[str, Tensor]:
        """The terms of the objective, summed over the shapes; and the squared error of the shapes that the mean does
        not learn from, as a fraction of the variance."""
        truth = self.table[batch["row"]]
        if self.config.flip != "-":
            truth = torch.where(batch["flipped"], truth * self._mirror, truth)
        error = missed = ((code.mean - truth).square() * self._weights).sum(1)
        if self.config.pull:
            missed = missed + self.config.pull * self._pulled(code.mean, batch)
        wrong = (code.mean.detach() - truth).square()
        doubt = (wrong * (-2 * code.log_deviation).exp() / 2 + code.log_deviation).mean(1)
        if len(self.table) < 2 * EVERY:
            return {"code": missed.sum(), "certainty": doubt.sum()}
        apart = (batch["row"] % EVERY == 0).to(error)
        return {
            "code": ((1 - apart) * missed).sum(), "certainty": (apart * doubt).sum(),
            f"{LOGGED}unseen": EVERY * (apart * error.detach()).sum(),
        }  # fmt: skip

    def infer(self, shapes: Sequence[Shape], seed: int = 0, device: str = "cpu") -> Iterator[FitProgress[Tensor]]:
        """The codes (b, l) of unseen shapes: likely ones for the mean over their pictures by certainty."""

        @torch.no_grad()
        def code(shape: Shape) -> Tensor:
            found = self._encoded(pictures_of(shape, self.config.encoder, device))
            return self._likely(averaged(found.mean, found.log_deviation))

        yield FitProgress("inferring codes", 1.0, codes_of(code, shapes))

    def field(self, code: Tensor) -> SparseGrid:
        """The linear space's f(.; z)."""
        return self.linear.field(code)

    def complete(self, shape: Shape, count: int, random: torch.Generator) -> Tensor:
        """The codes of the linear space."""
        return self.linear.complete(shape, count, random)

    def refine(self, code: Tensor, shape: Shape) -> SparseGrid:
        """The linear space's refined field."""
        return self.linear.refine(code, shape)

    def _encoded(self, pictures: Tensor) -> Latent:
        """The codes of pictures (b, 3, p, p) uint8. The deviations are a linear map of features that they do not
        change."""
        net = cast(ResNet, cast(Autoencoder, self.module).encoder)
        features = net.features(pictures)
        mean, log_deviation = net.last(features).chunk(2, 1)[0], net.last(features.detach()).chunk(2, 1)[1]
        return Latent(mean, log_deviation.clamp(LEAST, MOST))

    def _pulled(self, mean: Tensor, batch: Batch) -> Tensor:
        """The distances (b,) of pulled queries to their nearest points, by codes (b, l)."""
        with torch.enable_grad():
            query = batch["query"].detach().requires_grad_()
            value = cast(Autoencoder, self.module).decoder(query, mean)
            (gradient,) = torch.autograd.grad(value.sum(), query, create_graph=True)
        return pull_loss(query, value, gradient, batch["nearest"])

    def _likely(self, mean: Tensor) -> Tensor:
        """The code z (l,) of training shapes for a mean mu (l,); mu itself where the kernel has the width 0."""
        if not self.config.kernel:
            return mean
        known = self.table if self.config.flip == "-" else torch.cat([self.table, self.table * self._mirror])
        apart = ((mean - known).square() * self._weights).sum(1)
        return torch.softmax(-apart / self.config.kernel, 0) @ known

    @cached_property
    def _weights(self) -> Tensor:
        """w (l,)."""
        grid = cast(PcaGrid, cast(Autoencoder, self.module).decoder)
        energy = torch.stack([row.float().square().sum() for row in grid.rows]) * grid.steps.square()
        return energy / energy.sum()

    @cached_property
    def _mirror(self) -> Tensor:
        """(l,): -1 for the components that are odd along the axis of `flip`, else 1."""
        grid = cast(PcaGrid, cast(Autoencoder, self.module).decoder)
        return 1 - 2 * grid.odd[:, "xyz".index(self.config.flip)].to(self.table)


def averaged(mean: Tensor, log_deviation: Tensor) -> Tensor:
    """The mean (l,) of the means (v, l) of several pictures, each weighted by 1 / sigma^2."""
    certainty = torch.softmax(-2 * log_deviation, 0)
    return (certainty * mean).sum(0)
