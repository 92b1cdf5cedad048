"""Neural-Pull for many shapes: Ma, Han, Liu and Zwicker, "Neural-Pull: Learning Signed Distance Functions from Point
Clouds by Learning to Pull Space onto Surfaces", ICML 2021.

One network f and, for each cloud, a code z. f(.; z) pulls the queries q around a cloud along its own gradient,

    q' = q - f(q; z) grad f(q; z) / |grad f(q; z)|    (eq. 1),

and learns from their distance to the points n(q) of the cloud that are nearest to q (eq. 2). The objective is the mean
over the clouds of

    mean |q' - n(q)|  +  surface * mean |f(n(q); z)|  +  prior * mean z^2.

Nothing has a sign: the signs come from the start, a sphere. The released code gives each shape a one-hot condition,
which a layer of its own turns into 128 numbers: a table of codes. With `one_hot` codes are the condition itself. A code
exists for every shape, also for one that is not in the table: an unseen cloud gets its code by descent on z alone
(`methods.unsigned_codes`), and `refine` fine-tunes the network from there.

What differs from the released code: the first weights of the codes are 0, so that f starts as the sphere for every
shape (with the condition as released it starts positive everywhere); the code joins the point at the first layer and at
those of `skip`, not after a layer of its own; a tenth of the queries is spread widely (`prepare --queries`), which
keeps the far field free of other surfaces.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import codes_of, descend_batches, rows, tensor
from isofield.configs import NeuralPullImage
from isofield.configs import NeuralPullSpace as Config
from isofield.errors import InputError
from isofield.fields.decoder import LatentField
from isofield.fields.geometric_decoder import Differentiable, GeometricDecoder
from isofield.losses.pull import pull_loss
from isofield.methods.unsigned_codes import UnsignedCodes
from isofield.sampling.unsigned_rows import unsigned_of_cloud, window
from isofield.threads import deterministic
from isofield.types import Batch, FitProgress, ProgressCallback, Shape

FIRST_CODES = 0.01
"""Standard deviation of the first entries of the table: codes of 0 and weights of 0 would never move."""


@dataclass(frozen=True)
class NeuralPullShapeSpace:
    """Neural-Pull: a decoder and a table of codes."""

    config: Config
    module: nn.Module = field(default_factory=nn.Module)
    table: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    posterior: ClassVar[bool] = False

    def start(self, shapes: Sequence[Shape], seed: int, report: ProgressCallback) -> NeuralPullShapeSpace:
        """The sphere, for every shape."""
        generator = torch.Generator().manual_seed(seed)
        if self.config.one_hot:
            table = torch.eye(len(shapes))
            return replace(self, module=sphere(replace(self.config, length=len(shapes)), generator), table=table)
        module = sphere(self.config, generator)
        table = torch.empty(len(shapes), self.config.length).normal_(0, FIRST_CODES, generator=generator)
        return replace(self, module=module, table=table)

    def codes(self, shapes: Sequence[Shape]) -> Tensor:
        """The table."""
        return self.table

    def draw(self, shape: Shape, random: np.random.Generator) -> Mapping[str, np.ndarray]:
        """Queries and the points of the cloud that are nearest to them."""
        some = np.asarray(window(shape.rows["cloud"], self.config.samples, random), np.float32)
        return {"query": some[:, :3], "nearest": some[:, 3:]}

    def init(self, batch: Batch) -> Tensor:
        """Rows of the table."""
        return self.table[batch["row"]]

    def losses(self, code: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The terms of the objective of codes (b, l), summed over the shapes."""
        terms = self._pulled(code, batch, self.config.surface)
        return terms | {"prior": self.config.prior * code.square().mean(1).sum()}

    def _pulled(self, code: Tensor, batch: Batch, surface: float) -> dict[str, Tensor]:
        """The first two terms of codes (b, l)."""
        value, gradient = self._decoder.value_and_gradient(batch["query"], code)
        missed = pull_loss(
            batch["query"], value.float(), gradient.float(), batch["nearest"], squared=self.config.squared
        )
        terms = {"pull": missed.sum()}
        if surface:
            terms["surface"] = surface * self._decoder(batch["nearest"], code).abs().mean(1).sum()
        return terms

    def infer(self, shapes: Sequence[Shape], seed: int = 0, device: str = "cpu") -> Iterator[FitProgress[Tensor]]:
        """The codes (b, l) of unseen clouds."""
        search, by = self._search, self.config.infer_by

        def code(shape: Shape) -> Tensor:
            if by == "mean":
                return self.table.mean(0)
            find = search.by_squares if by == "lm" else search.by_adam
            return find(unsigned_of_cloud(shape.rows["cloud"]), None, seed)

        yield FitProgress("inferring codes", 1.0, codes_of(code, shapes))

    def field(self, code: Tensor) -> nn.Module:
        """f(.; z)."""
        return LatentField(self.module, code)

    def complete(self, shape: Shape, count: int, random: torch.Generator) -> Tensor:
        """The code whose signed field agrees with the samples of a part."""
        with deterministic():
            return self._search.of_part(shape.sdf)[None]

    def refine(self, code: Tensor, shape: Shape) -> nn.Module:
        """The field of the code, its network fine-tuned by pulling the queries of the cloud."""
        module, z, random = copy.deepcopy(self.module).requires_grad_(), code[None], np.random.default_rng(0)
        some = tensor(np.array(shape.rows["cloud"], np.float32), str(code.device))
        queries = rows({"query": some[:, :3], "nearest": some[:, 3:]}, self.config.tuning.batch, random)
        tuned = replace(self, module=module)

        def losses(batch: Batch) -> dict[str, Tensor]:
            one = Batch({name: value[None] for name, value in batch.tensors.items()})
            return tuned._pulled(z, one, self.config.surface)

        for _ in descend_batches(losses, module.parameters(), queries, self.config.tuning):
            pass
        return LatentField(module.requires_grad_(False), code)

    @property
    def _decoder(self) -> Differentiable:
        return cast(Differentiable, self.module)

    @property
    def _search(self) -> UnsignedCodes:
        def terms(code: Tensor, batch: Batch) -> dict[str, Tensor]:
            nearest = batch["query"] - batch["distance"][..., None] * batch["direction"]
            return self._pulled(code, Batch({"query": batch["query"], "nearest": nearest}), 0.0)

        return UnsignedCodes(self.config, self._decoder, self.table, terms)


def sphere(config: Config | NeuralPullImage, generator: torch.Generator) -> GeometricDecoder:
    """A decoder that starts as the same sphere for every code. Raises InputError for settings that make no network."""
    try:
        return GeometricDecoder(
            config.length, config.dims, config.skip, activation=config.activation, radius=config.radius,
            norm_layers=(), same_start=True, generator=generator,
        )  # fmt: skip
    except ValueError as error:
        raise InputError(f"these settings make no network ({error}): change dims, skip or length.") from None
