"""Pictures to shapes by votes for the codes of a linear space of the same shapes.

The linear space (`methods.linear`) is solved first, with the codes z_i of the training shapes; they are white. Then an
encoder, a ResNet-18 (He et al. 2016), sees a picture of a shape and gives a code mu, by which the known codes have the
probabilities

    p_i(mu) ~ exp(-|mu - z_i|^2 / kernel),    |u|^2 = sum_l w_l u_l^2,    w_l = |b_l|^2 / sum_k |b_k|^2.

With the components b_l this is the squared error of the distances over the grid, as a fraction of their variance. The
encoder learns to be near the code of its shape, to tell it from the others, and to pull queries q around the shape's
cloud onto it, as in Neural-Pull (Ma et al. 2021, eq. 2):

    argmin_mu  mean_i  |mu - z_i|^2 - likelihood * log p_i(mu) + pull * mean_q |q'(mu) - n(q)|,
    q'(mu) = q - f(q; mu) grad f(q; mu) / |grad f(q; mu)|.

What a picture does not show is averaged in mu, and the mean of fields in which an arm is in different places has
no arm. So pictures v of an unseen shape vote for known codes, and z is the mean of those around the densest votes:

    z = sum_i q_i z_i,    q_i ~ p_i exp(-|z_i - z_m|^2 / kernel),    p_i ~ prod_v p_i(mu(picture_v)),
    m = argmax_i  sum_j p_j exp(-|z_i - z_j|^2 / kernel).

The kernel learns the first and the last term for sum_i p_i z_i in place of mu, from single pictures of every eighth
shape. mu does not learn from these, and they are not voted for meanwhile: of shapes that it has learned it is too sure.

In a space with mirror images (`flip`) half of the pictures are mirrored, and mirrored shapes are known as well: their
codes have the opposite sign in the components that are odd.

In the camera's frame (`frame`) every picture has a code of its own, that of the shape turned into its camera
(`methods.camera_codes`), so that shapes need not be aligned. With many views of a shape, and mirror images left to
right and upside down, mu learns from all shapes, by the first and the last term, and is z itself. In the mean of
truncated distances a part that is only probable is a shallow valley: the surface is where f is `level`, or, so
that there is one, halfway from its least value to the limit where that is more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import codes_of
from isofield.configs import ImageCodes
from isofield.errors import InputError
from isofield.fields.autoencoder import PictureVotes
from isofield.fields.grid import SparseGrid
from isofield.losses.pull import pull_loss
from isofield.methods.camera_codes import camera_codes
from isofield.methods.grid_fit import smoothed
from isofield.methods.linear import LinearSpace
from isofield.methods.pictured import drawn_picture, framed, picture_encoder, pictures_of
from isofield.sampling.unsigned_rows import window
from isofield.types import LOGGED, Batch, FitProgress, ProgressCallback, Shape

EVERY = 8
"""Every 8th shape teaches the kernel alone, where there are twice as many or more; with fewer the kernel stays."""
FIRST = 0.1
"""Deviation of the first codes: near the mean shape."""
STENCIL = 1e-3 * torch.cat([torch.zeros(1, 3), torch.eye(3)])
"""A query and its neighbours, whose differences are the gradient."""


@dataclass(frozen=True)
class ImageCodesSpace:
    """A linear space with an encoder of pictures (`PictureVotes`); the encoder alone is trained.

    targets: in the camera's frame the codes (k, l) of all pictures of the training shapes, which only training needs.
    firsts: (n,) the row of a shape's first picture in them. The table has the codes of these pictures there.
    """

    config: ImageCodes
    module: nn.Module = field(default_factory=nn.Module)
    table: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    targets: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    firsts: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.long))
    posterior: ClassVar[bool] = True

    @property
    def linear(self) -> LinearSpace:
        """The linear space."""
        return LinearSpace(self.config.linear, self._module.decoder, self.table)

    def start(self, shapes: Sequence[Shape], seed: int, report: ProgressCallback) -> ImageCodesSpace:
        """The linear space, and an encoder whose codes are near its mean."""
        counts = torch.tensor([len(shape.rows["views"]) for shape in shapes])
        firsts = counts.cumsum(0) - counts
        if self.config.frame == "camera":
            grid, targets = camera_codes(shapes, self.config.linear, seed, report)
            table = targets[firsts]
        else:
            linear = LinearSpace(self.config.linear).start(shapes, seed, report)
            grid, table, targets = linear.grid, linear.table, self.targets
        if not {*self._flipped} <= {*grid.mirrored}:
            raise InputError(f"the linear space has no mirror images along {self.config.flip}: leave flip out.")
        generator = torch.Generator().manual_seed(seed)
        net = picture_encoder(grid.length, self.config.encoder, shapes, seed, generator, FIRST)
        return replace(self, module=PictureVotes(grid, net), table=table, targets=targets, firsts=firsts)

    def codes(self, shapes: Sequence[Shape]) -> Tensor:
        """The table of the linear space."""
        return self.table

    def draw(self, shape: Shape, random: np.random.Generator) -> Mapping[str, np.ndarray]:
        """A picture, its number, and which mirror image it is, as queries and the points of the cloud nearest to them
        are."""
        number, picture = drawn_picture(shape, self.config.encoder, random)
        image = int(random.integers(len(self._images)))
        axes = self._images[image]
        sides = tuple(-2 if self.config.frame == "camera" and axis == 1 else -1 for axis in axes)
        picture = np.ascontiguousarray(np.flip(picture, sides))
        drawn = {"picture": picture, "number": np.array([number]), "image": np.array([image])}
        if self.config.pull:
            some = np.array(window(shape.rows["cloud"], self.config.samples, random), np.float32).reshape(-1, 2, 3)
            some = framed(some, shape, number, self.config.frame)
            some[..., axes] *= -1
            drawn |= {"query": some[:, 0], "nearest": some[:, 1]}
        return drawn

    def init(self, batch: Batch) -> Tensor:
        """The encoder's codes of the pictures."""
        return cast(Tensor, self._module.encoder(batch["picture"][:, 0]))

    def losses(self, code: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The terms of the objective, summed over the shapes; and the squared error of the votes' mean of those that
        the encoder does not learn from, as a fraction of the variance."""
        if self.config.frame == "camera":
            at = self.firsts[batch["row"].cpu()] + batch["number"][:, 0].cpu()
            truth = self.targets[at].to(code) * self._signs[batch["image"][:, 0]]
            terms = {"code": ((code - truth).square() @ self._weights).sum()}
            return terms | ({"pull": self.config.pull * self.pulled(code, batch).sum()} if self.config.pull else {})
        kernel, own = self._module.log_kernel.exp(), batch["row"] + len(self.table) * batch["image"][:, 0]
        learns, truth, apart = self._taught[own], self._known[own], self._apart(code)
        told = nn.functional.cross_entropy(
            (-apart / kernel.detach()).where(self._taught, -torch.inf), own.where(learns, -1), ignore_index=-1,
            reduction="sum",
        )  # fmt: skip
        voted = self._voted((-apart.detach() / kernel).where(self._taught, -torch.inf))
        code = code.where(learns[:, None], voted)
        error = (code - truth).square() @ self._weights
        terms = {"code": error.sum(), "likelihood": self.config.likelihood * told}
        if self.config.pull:
            terms["pull"] = self.config.pull * self.pulled(code, batch).sum()
        return {**terms, f"{LOGGED}unseen": EVERY * error.detach()[~learns].sum()}

    def infer(self, shapes: Sequence[Shape], seed: int = 0, device: str = "cpu") -> Iterator[FitProgress[Tensor]]:
        """The codes (b, l) of unseen shapes: means over known codes, by the votes of all pictures; in the camera's
        frame those of their first pictures."""

        @torch.no_grad()
        def code(shape: Shape) -> Tensor:
            found = self._module.encoder(pictures_of(shape, self.config.encoder, self.config.frame, device))
            return found[0] if self.config.frame == "camera" else self.elected(found)

        yield FitProgress("inferring codes", 1.0, codes_of(code, shapes))

    def field(self, code: Tensor) -> SparseGrid:
        """The linear space's f(.; z), less the level of the surface."""
        if not self.config.level:
            return self.linear.field(code)
        values = self.linear.grid.volume(code[None])[0].numpy()
        return smoothed(values - max(self.config.level, (float(values.min()) + self.config.linear.limit) / 2))

    def complete(self, shape: Shape, count: int, random: torch.Generator) -> Tensor:
        """The codes of the linear space."""
        return self.linear.complete(shape, count, random)

    def refine(self, code: Tensor, shape: Shape) -> SparseGrid:
        """The linear space's refined field."""
        return self.linear.refine(code, shape)

    def pulled(self, code: Tensor, batch: Batch) -> Tensor:
        """The distances (b,) of pulled queries to their nearest points, by codes (b, l), in which fields are linear."""
        query = batch["query"]
        near = query[:, :, None] + STENCIL.to(query)  # (b, n, 4, 3)
        features = self.linear.grid.features(near.view(-1, 3)).view(*near.shape[:3], -1)
        value, *neighbours = (features[..., 0] + torch.einsum("bnkl,bl->bnk", features[..., 1:], code)).unbind(2)
        return pull_loss(query, value, torch.stack(neighbours, 2) - value[..., None], batch["nearest"])

    def _apart(self, code: Tensor) -> Tensor:
        """The squared errors (b, k) of codes (b, l) as the known codes, fractions of the variance of the shapes."""
        return torch.cdist(code * self._weights.sqrt(), self._known * self._weights.sqrt()).square()

    def elected(self, found: Tensor) -> Tensor:
        """The mean (l,) of the known codes around the densest votes of the encoder's codes (v, l) of pictures."""
        kernel = self._module.log_kernel.exp()
        votes, alike = -self._apart(found).sum(0) / kernel, -self._apart(self._known) / kernel
        densest = (alike.exp() @ torch.softmax(votes, 0)).argmax()
        return self._voted(votes + alike[densest])

    def _voted(self, votes: Tensor) -> Tensor:
        """The means (..., l) of the known codes by votes (..., k), log likelihoods."""
        return torch.softmax(votes, -1) @ self._known

    @property
    def _module(self) -> PictureVotes:
        return cast(PictureVotes, self.module)

    @cached_property
    def _known(self) -> Tensor:
        """The codes (k, l) of the training shapes, and of their mirror images."""
        return (self._signs[:, None] * self.table).flatten(0, 1)

    @cached_property
    def _taught(self) -> Tensor:
        """(k,) bool: whether the encoder learns from the shape."""
        row = torch.arange(len(self._known), device=self.table.device) % len(self.table)
        return row % EVERY > 0 if len(self.table) >= 2 * EVERY else row >= 0

    @cached_property
    def _weights(self) -> Tensor:
        """w (l,)."""
        grid = self.linear.grid
        energy = torch.stack([row.float().square().sum() for row in grid.rows]) * grid.steps.square()
        return energy / energy.sum()

    @property
    def _flipped(self) -> list[int]:
        """The axes of `flip`."""
        return [*map("xyz".index, self.config.flip.strip("-"))]

    @property
    def _images(self) -> list[list[int]]:
        """The axes along which each mirror image of a shape is mirrored; none of the first."""
        axes = self._flipped
        return [[*some] for size in range(len(axes) + 1) for some in combinations(axes, size)]

    @cached_property
    def _signs(self) -> Tensor:
        """(i, l): of every mirror image, -1 for the components that it has with the opposite sign, else 1."""
        sign = (
            1 - 2 * self.linear.grid.odd.to(self.table)
            if self._flipped
            else self.table.new_ones(self.table.shape[1], 3)
        )
        return torch.stack([sign[:, axes].prod(1) for axes in self._images])
