"""Neural-Pull from a single picture: Ma, Han, Liu and Zwicker, "Neural-Pull: Learning Signed Distance Functions from
Point Clouds by Learning to Pull Space onto Surfaces", ICML 2021, section 4.3.

An encoder sees a picture of a shape and gives its code z. f(.; z) pulls the queries q around the shape's cloud along
its own gradient,

    q' = q - f(q; z) grad f(q; z) / |grad f(q; z)|    (eq. 1),

and both networks learn from the distance of q' to the point n(q) of the cloud that is nearest to q (eq. 2),

    argmin  mean_i  mean_q |q' - n(q)|,    z_i = encoder(picture_i),

a random picture of each shape in every step. Nothing has a sign: the signs come from the start, a sphere. The code of
several pictures of one shape is the mean of their codes.

What differs from the released code: the encoder (`fields.resnet`) is learned, where that reads features of another
project's; the first weights of the codes are 0, so that f starts as the sphere for every picture; the objective is
eq. 2 in place of the Chamfer distance of both sets (`loss`); one network learns all classes. Options of our own: the
camera's frame; random parts of the pictures, as in Occupancy Networks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import codes_of, cosine_rates
from isofield.configs import NeuralPullImage
from isofield.fields.autoencoder import Autoencoder
from isofield.fields.decoder import LatentField
from isofield.fields.geometric_decoder import Differentiable
from isofield.losses.pull import pull_loss, pulled
from isofield.methods.grid_fit import refined_by_grid
from isofield.methods.neural_pull_space import sphere
from isofield.methods.part_codes import Decode, code_of_part
from isofield.methods.pictured import drawn_picture, framed, picture_encoder, pictures_of
from isofield.sampling.unsigned_rows import window
from isofield.threads import deterministic
from isofield.types import Batch, FitProgress, ProgressCallback, Shape

STEPS, SAMPLES, RATE = 200, 2048, 5e-3
"""Steps, samples of each and learning rate of the descent to the code of a part."""
FIRST = 0.03
"""Deviation of the first codes: larger ones disturb the sphere before there is a surface."""


@dataclass(frozen=True)
class NeuralPullImageSpace:
    """A decoder and an encoder of pictures (`Autoencoder`); no table."""

    config: NeuralPullImage
    module: nn.Module = field(default_factory=nn.Module)
    table: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    posterior: ClassVar[bool] = False

    def start(self, shapes: Sequence[Shape], seed: int, report: ProgressCallback) -> NeuralPullImageSpace:
        """The sphere, for every picture."""
        config, generator = self.config, torch.Generator().manual_seed(seed)
        decoder = sphere(config, generator)
        encoder = picture_encoder(config.length, config.encoder, shapes, seed, generator, FIRST)
        module = Autoencoder(decoder, encoder)
        return replace(self, module=module, table=torch.zeros(len(shapes), config.length))

    def draw(self, shape: Shape, random: np.random.Generator) -> Mapping[str, np.ndarray]:
        """A picture, queries around the shape, and the points of its cloud that are nearest to them."""
        number, picture = drawn_picture(shape, self.config.encoder, random)
        some = np.asarray(window(shape.rows["cloud"], self.config.samples, random), np.float32).reshape(-1, 2, 3)
        some = framed(some, shape, number, self.config.frame)
        return {"picture": picture, "query": some[:, 0], "nearest": some[:, 1]}

    def init(self, batch: Batch) -> Tensor:
        """The codes of the pictures."""
        return self._encoded(batch["picture"][:, 0])

    def losses(self, code: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The objective of codes (b, l), summed over the shapes."""
        query, nearest = batch["query"], batch["nearest"]
        value, gradient = self._decoder.value_and_gradient(query, code)
        if self.config.loss == "nearest":
            return {"pull": pull_loss(query, value.float(), gradient.float(), nearest).sum()}
        apart = torch.cdist(pulled(query, value.float(), gradient.float()), nearest)  # (b, n, n)
        return {"pull": (apart.amin(1).mean(1) + apart.amin(2).mean(1)).sum()}

    @torch.no_grad()
    def codes(self, shapes: Sequence[Shape]) -> Tensor:
        """The codes of all pictures of each training shape."""
        (found,) = self.infer(shapes, device=str(self.table.device))
        assert found.code is not None
        return found.code

    def infer(self, shapes: Sequence[Shape], seed: int = 0, device: str = "cpu") -> Iterator[FitProgress[Tensor]]:
        """The codes (b, l) of unseen shapes, each the mean over its pictures; in the camera's frame that of the
        first."""

        @torch.no_grad()
        def code(shape: Shape) -> Tensor:
            return self._encoded(pictures_of(shape, self.config.encoder, self.config.frame, device)).mean(0)

        yield FitProgress("inferring codes", 1.0, codes_of(code, shapes))

    def field(self, code: Tensor) -> nn.Module:
        """f(.; z)."""
        return LatentField(cast(nn.Module, self._decoder), code)

    def complete(self, shape: Shape, count: int, random: torch.Generator) -> Tensor:
        """The code whose field agrees with the samples of a part, by Adam from the mean of the training codes."""
        decode: Decode = lambda x, code: self._decoder(x[None], code[None])[0]  # noqa: E731
        with deterministic():
            return code_of_part(decode, shape.sdf, self.table.mean(0), cosine_rates(RATE, STEPS), SAMPLES)[None]

    def refine(self, code: Tensor, shape: Shape) -> nn.Module:
        """The field, bent towards the samples on a grid."""
        return refined_by_grid(self.field(code), shape.sdf)

    def _encoded(self, pictures: Tensor) -> Tensor:
        """Codes (b, l) of pictures (b, 3, p, p) uint8."""
        code: Tensor = cast(Autoencoder, self.module).encoder(pictures)
        return code

    @property
    def _decoder(self) -> Differentiable:
        return cast(Differentiable, cast(Autoencoder, self.module).decoder)
