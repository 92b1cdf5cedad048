"""A space of shapes in a package of its own: the mean shape, and one number for each shape.

    f(x; z) = mean(x) + gain z

The mean distance of the training shapes is on a grid; the numbers z and the gain are learned by descent:

    argmin  mean | f(x; z) - s(x) |      over samples x of a shape with distances s(x)

The number of an unseen shape is the median of (s(x) - mean(x)) / gain. Try it:

    pip install ./examples/package
    isofield train mean-shift DATA -o RUN
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import tensor
from isofield.configs import MethodSpec, Schedule, Training
from isofield.fields.decoder import LatentField
from isofield.methods.grid_fit import gridded, refined_by_grid
from isofield.sampling.balanced import balanced
from isofield.types import Batch, FitProgress, ProgressCallback, Shape


@dataclass(frozen=True)
class MeanShift:
    """Settings of mean-shift.

    Args:
        cells: Grid cells a side.
        training: Batches and steps.
    """

    cells: int = 12
    training: Training = Training(steps=20, batch=4, network_rate=Schedule(1e-2), code_rate=Schedule(1e-2))


class Shifted(nn.Module):
    """f(x (b, n, 3), z (b, 1)) -> (b, n). `config` lets a run's folder store it."""

    mean: Tensor

    def __init__(self, cells: int) -> None:
        super().__init__()
        self.cells, self.gain = cells, nn.Parameter(torch.ones(()))
        self.register_buffer("mean", torch.zeros(1, 1, *[cells + 1] * 3))

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"cells": self.cells}

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Signed distances."""
        at = x.flip(-1).reshape(1, -1, 1, 1, 3)
        mean = nn.functional.grid_sample(self.mean, at, align_corners=True, padding_mode="border")
        return mean.view(x.shape[:2]) + self.gain * z


@dataclass(frozen=True)
class MeanShiftSpace:
    """The method (`isofield.types.TrainedSpace`): settings, what all shapes share, the codes of the training shapes."""

    config: MeanShift
    module: nn.Module = field(default_factory=nn.Module)
    table: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    posterior: ClassVar[bool] = False

    def start(self, shapes: Sequence[Shape], seed: int, report: ProgressCallback) -> MeanShiftSpace:
        """The mean over the grids of all shapes, and numbers of 0."""
        cells, module = self.config.cells, Shifted(self.config.cells)
        grids = [torch.from_numpy(gridded(shape.sdf, cells, 0.3, 0.3, 12)) for shape in shapes]
        module.mean.copy_(torch.stack(grids).mean(0).view_as(module.mean))
        return replace(self, module=module, table=torch.zeros(len(shapes), 1))

    def draw(self, shape: Shape, random: np.random.Generator) -> Mapping[str, np.ndarray]:
        """What one step learns from a shape: as many samples inside as outside."""
        return balanced(shape.sdf, 200, random)

    def init(self, batch: Batch) -> Tensor:
        """Rows of the table."""
        return self.table[batch["row"]]

    def losses(self, code: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The objective, summed over the shapes."""
        error = self.module(batch["points"], code) - batch["distance"]
        return {"distance": error.abs().mean(1).sum()}

    def infer(self, shapes: Sequence[Shape], seed: int = 0, device: str = "cpu") -> Iterator[FitProgress[Tensor]]:
        """The codes (b, 1) of unseen shapes."""
        codes = []
        for shape in shapes:
            x, s = tensor(shape.sdf.points, device)[None], tensor(shape.sdf.distance, device)
            codes.append((s - self.module(x, torch.zeros(1, 1))[0]).median().view(1) / self.module.gain)
        yield FitProgress("inferring codes", 1.0, torch.stack(codes).detach())

    def codes(self, shapes: Sequence[Shape]) -> Tensor:
        """The codes of the training shapes for the folder, inferred as those of unseen ones."""
        (found,) = self.infer(shapes)
        assert found.code is not None
        return found.code

    def field(self, code: Tensor) -> nn.Module:
        """The field of a code (1,)."""
        return LatentField(self.module, code)

    def complete(self, shape: Shape, count: int, random: torch.Generator) -> Tensor:
        """The code of a part."""
        return self.codes([shape])

    def refine(self, code: Tensor, shape: Shape) -> nn.Module:
        """The field, corrected towards the shape's samples."""
        return refined_by_grid(self.field(code), shape.sdf)


MEAN_SHIFT = MethodSpec("the mean shape, grown and shrunk", MeanShiftSpace, MeanShift, reads="signed")
