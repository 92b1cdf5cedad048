"""Pictures to the codes of a linear space of the same shapes, with their certainty.

The linear space (`methods.linear`) is solved first, with the codes z_i of the training shapes; they are white. Then an
encoder, a ResNet-18 (He et al. 2016), sees a picture of a shape, and gives the mean mu and the deviation sigma of every
entry of its code:

    argmin_mu     mean_i  sum_l w_l (mu_l(picture_i) - z_il)^2,   w_l = |b_l|^2 / sum_k |b_k|^2,
    argmin_sigma  mean_i  mean_l  (mu_l - z_il)^2 / (2 sigma_l^2) + log sigma_l    (Kendall and Gal, "What Uncertainties
                  Do We Need in Bayesian Deep Learning for Computer Vision?", NeurIPS 2017, eq. 5).

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

from isofield.configs import ImageCodes
from isofield.errors import InputError
from isofield.fields.autoencoder import Autoencoder
from isofield.fields.grid import SparseGrid
from isofield.fields.pca_grid import PcaGrid
from isofield.fields.resnet import ResNet
from isofield.methods.linear import LinearSpace
from isofield.sampling.view_pictures import at_size, random_view, some_views
from isofield.threads import deterministic, parallel_map
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
        net = ResNet(2 * linear.grid.length, encoder.width, torch.Generator().manual_seed(seed))
        with deterministic():
            seen = some_views([shape.rows["views"] for shape in shapes], encoder.pixels, np.random.default_rng(seed))
            net.standardize(torch.from_numpy(seen).float() / 255, FIRST)
        return replace(self, module=Autoencoder(linear.grid, net), table=linear.table)

    def codes(self, shapes: Sequence[Shape]) -> Tensor:
        """The table of the linear space."""
        return self.table

    def draw(self, shape: Shape, random: np.random.Generator) -> Mapping[str, np.ndarray]:
        """A picture, and whether it is mirrored."""
        _, picture = random_view(shape.rows["views"], self.config.encoder.pixels, self.config.encoder.crop, random)
        flipped = self.config.flip != "-" and bool(random.integers(2))
        picture = np.ascontiguousarray(picture[..., ::-1]) if flipped else picture
        return {"picture": picture[None], "flipped": np.array([flipped])}

    def init(self, batch: Batch) -> Latent:
        """The codes of the pictures."""
        return self._encoded(batch["picture"][:, 0])

    def losses(self, code: Latent, batch: Batch) -> dict[str, Tensor]:
        """The terms of the objective, summed over the shapes; and the squared error of the shapes that the mean does
        not learn from, as a fraction of the variance."""
        truth = self.table[batch["row"]]
        if self.config.flip != "-":
            truth = torch.where(batch["flipped"], truth * self._mirror, truth)
        error = ((code.mean - truth).square() * self._weights).sum(1)
        wrong = (code.mean.detach() - truth).square()
        doubt = (wrong * (-2 * code.log_deviation).exp() / 2 + code.log_deviation).mean(1)
        if len(self.table) < 2 * EVERY:
            return {"code": error.sum(), "certainty": doubt.sum()}
        apart = (batch["row"] % EVERY == 0).to(error)
        return {
            "code": ((1 - apart) * error).sum(), "certainty": (apart * doubt).sum(),
            f"{LOGGED}unseen": EVERY * (apart * error.detach()).sum(),
        }  # fmt: skip

    def infer(self, shapes: Sequence[Shape], seed: int = 0, device: str = "cpu") -> Iterator[FitProgress[Tensor]]:
        """The codes (b, l) of unseen shapes, each the mean over its pictures by their certainty."""

        @torch.no_grad()
        def code(shape: Shape) -> Tensor:
            pictures = at_size(shape.rows["views"], self.config.encoder.pixels)
            found = self._encoded(torch.from_numpy(pictures).to(device))
            return averaged(found.mean, found.log_deviation)

        with deterministic():
            codes = torch.stack(parallel_map(code, shapes))
        yield FitProgress("inferring codes", 1.0, codes)

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
        features = net.features(pictures.float() / 255)
        mean, log_deviation = net.last(features).chunk(2, 1)[0], net.last(features.detach()).chunk(2, 1)[1]
        return Latent(mean, log_deviation.clamp(LEAST, MOST))

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
