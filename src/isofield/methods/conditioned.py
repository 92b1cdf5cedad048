"""Spaces of one field f(x; z) and a code z for each shape, from an encoder that gets samples of the shape, its context,
or from a table (an auto-decoder). `methods.hypernet`, `methods.cnp` and `methods.concat` say what the networks are.

Encoder, table and decoder are learned together, on other samples of the shapes, the query:

    argmin  mean_i ( L(f(.; z_i); query_i) + prior * mean z_i^2 ),    z_i = encoder(context_i), or a row of the table.

L is the mean of |f - s|, of (f - s)^2, or the composite of sign and distance (`losses.outputs`). The code of an unseen
shape is the encoder's, or 0 for a table, after `infer_steps` of Adam on the code alone, on L of its context and prior.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import codes_of, cosine_rates, descend_code, noted_codes, rows, tensor
from isofield.configs import Cnp, Concat, Hypernet, Occupancy
from isofield.errors import InputError
from isofield.fields.autoencoder import Conditioned
from isofield.fields.decoder import Decoder, LatentField
from isofield.fields.set_encoder import keep_scale
from isofield.losses.outputs import misclassified, output_error, outputs_of
from isofield.methods.grid_fit import refined_by_grid
from isofield.methods.part_codes import most_probable_code
from isofield.sampling.tasks import drawn, note_of, observed, with_kept_codes
from isofield.types import LOGGED, Batch, FitProgress, ProgressCallback, Shape


@dataclass(frozen=True)
class Sizes:
    """inputs: of a point. values: of a sample, beside its point. outputs: of the decoder."""

    inputs: int
    values: int
    outputs: int


def decoder_of(
    config: Cnp | Concat | Occupancy, inputs: int, outputs: int, frequencies: int, generator: torch.Generator
) -> Decoder:
    """A decoder d(x, z) with ReLU. Raises ValueError for layers that do not fit together."""
    decoder = Decoder(
        config.length, config.dims, config.rejoin, norm_layers=(), dropout=(), inputs=inputs, outputs=outputs,
        frequencies=frequencies, generator=generator,
    )  # fmt: skip
    keep_scale(decoder, generator)
    return decoder


@dataclass(frozen=True)
class ConditionedSpace:
    """A decoder with an encoder, or with a table of codes (`Conditioned`).

    networks: the decoder and the encoder, if any, of settings, sizes and a generator. Raises ValueError for layers that
    do not fit together.
    """

    networks: Callable[[Any, Sizes, torch.Generator], tuple[nn.Module, nn.Module | None]]
    config: Hypernet | Cnp | Concat
    module: nn.Module = field(default_factory=nn.Module)
    table: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    posterior: ClassVar[bool] = False

    def start(self, shapes: Sequence[Shape], seed: int, report: ProgressCallback) -> ConditionedSpace:
        """The untrained networks, and the first codes of a table."""
        config, generator = self.config, torch.Generator().manual_seed(seed)
        points, values = observed(shapes[0])
        channels = values.shape[1] if values.ndim == 2 else None
        sizes = Sizes(points.shape[1], channels or 1, outputs_of(config.objective, channels))
        try:
            decoder, encoder = self.networks(config, sizes, generator)
        except ValueError as error:
            raise InputError(f"these settings make no network ({error}): change dims, rejoin or length.") from None
        table = torch.zeros(len(shapes), 0)
        if isinstance(config, Concat):
            table = torch.randn(len(shapes), config.length, generator=generator) * config.code_std
        return replace(self, module=Conditioned(decoder, encoder), table=table)

    def draw(self, shape: Shape, random: np.random.Generator) -> Mapping[str, np.ndarray]:
        """Context and query."""
        tasks = self.config.tasks
        surface = tasks.context_from == "surface"
        return drawn(shape, tasks.context, tasks.query, random, surface=surface, inside=tasks.inside)

    def init(self, batch: Batch) -> Tensor:
        """The encoder's codes of the contexts, or rows of the table."""
        if self._module.encoder is None:
            return self.table[batch["row"]]
        return self._encoded(batch["context"], batch["context_value"])

    def _encoded(self, points: Tensor, value: Tensor) -> Tensor:
        """Codes (b, l) of samples: points (b, n, d) with values (b, n) or (b, n, c)."""
        assert self._module.encoder is not None
        return self._module.encoder(torch.cat([points, value.view(*points.shape[:2], -1)], -1))

    def losses(self, code: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The terms of the objective of codes (b, l), summed over the shapes."""
        name = "query" if "query" in batch else "context"
        outputs, value = self._module.decoder(batch[name], code), batch[f"{name}_value"]
        terms = {"value": self._error(outputs, value).sum()}
        if self.config.prior:
            terms["prior"] = self.config.prior * code.square().mean(1).sum()
        if value.ndim == 2:
            terms[f"{LOGGED}misclassified"] = misclassified(outputs.detach(), value).sum()
        return terms

    def _error(self, outputs: Tensor, value: Tensor) -> Tensor:
        """L (b,) of outputs (b, n, c)."""
        return output_error(self.config.objective, outputs, value, self._module.deviations)

    @torch.no_grad()
    def codes(self, shapes: Sequence[Shape]) -> Tensor:
        """The table, or the encoder's codes of the first training shapes, as many as are kept."""
        if self._module.encoder is None:
            return self.table
        device = str(next(self._module.parameters()).device)
        first = self._first(*self._context(shapes[0], 0, device))
        some = with_kept_codes(shapes, len(first))
        return codes_of(lambda shape: self._first(*self._context(shape, 0, device)), some)

    def infer(self, shapes: Sequence[Shape], seed: int = 0, device: str = "cpu") -> Iterator[FitProgress[Tensor]]:
        """The codes (b, l) of unseen shapes."""

        def code(shape: Shape) -> tuple[Tensor, str]:
            config, (points, value) = self.config, self._context(shape, seed, device)
            note = note_of(shape, config.tasks)
            with torch.no_grad():
                first = self._first(points, value)
            if not config.infer_steps:
                return first, note
            batches = rows({"points": points, "value": value}, config.infer_samples, np.random.default_rng(seed))
            rates = cosine_rates(config.infer_rate, config.infer_steps)
            return descend_code(self._objective, first, batches, rates), note

        yield noted_codes(code, shapes)

    def _context(self, shape: Shape, seed: int, device: str) -> tuple[Tensor, Tensor]:
        """Points (n, d) and values (n,) or (n, c) of an unseen shape."""
        tasks = self.config.tasks
        surface, random = tasks.context_from == "surface", np.random.default_rng(seed)
        context = drawn(shape, tasks.infer_context, 0, random, surface=surface, inside=tasks.inside)
        return tensor(context["context"], device), tensor(context["context_value"], device)

    def _first(self, points: Tensor, value: Tensor) -> Tensor:
        """The encoder's code (l,) of a shape, or 0."""
        if self._module.encoder is None:
            return torch.zeros(self.table.shape[1], device=points.device)
        return self._encoded(points[None], value[None])[0]

    def _objective(self, code: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The terms of the code (l,) of an unseen shape."""
        error = self._error(self._module.decoder(batch["points"][None], code[None]), batch["value"][None])
        return {"value": error.sum(), "prior": self.config.prior * code.square().mean()}

    def field(self, code: Tensor) -> nn.Module:
        """f(.; z)."""
        return LatentField(self.module, code)

    def complete(self, shape: Shape, count: int, random: torch.Generator) -> Tensor:
        """The most probable code (`methods.part_codes`): encoders are learned on whole shapes."""
        module = self._module
        return most_probable_code(module.decoder, self.config.objective, module.deviations, self.table, shape.sdf)[None]

    def refine(self, code: Tensor, shape: Shape) -> nn.Module:
        """The field, bent towards the samples on a grid."""
        return refined_by_grid(self.field(code), shape.sdf)

    @property
    def _module(self) -> Conditioned:
        return cast(Conditioned, self.module)
