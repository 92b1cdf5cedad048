"""Settings that spaces of one decoder with a code for each shape share: what a code is inferred from, a set encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from isofield.configs.common import MethodSpec, Schedule, check_fields, check_range
from isofield.configs.training import Training, check_dims
from isofield.errors import InputError

Objective = Literal["l1", "mse", "composite"]


@dataclass(frozen=True)
class Tasks:
    """What a code is inferred from, its context, and what the loss is on, its query.

    Args:
        context: Samples of a training shape that its code comes from, by an encoder or by inner steps.
        context_from: What these are: samples of the distance (of colours), or points on the surface alone.
        query: Other samples, that the loss is computed on; 0: the context again.
        inside: Half of the samples are inside; otherwise they are drawn as they come.
        infer_context: Samples of an unseen shape that its code is inferred from.
    """

    context: int = 512
    context_from: Literal["samples", "surface"] = "samples"
    query: int = 512
    inside: bool = True
    infer_context: int = 2048

    def __post_init__(self) -> None:
        check_range(self, "context", "infer_context", least=1)
        check_fields(self)
        if self.context_from == "surface" and not self.query:
            raise InputError("context_from surface needs samples off the surface to train with: give a query above 0.")


@dataclass(frozen=True)
class SetEncoder:
    """A network for each sample of a set, and a pool over them.

    Args:
        dims: Widths of its layers.
        pool: mean or max.
    """

    dims: tuple[int, ...] = (256,) * 4
    pool: Literal["mean", "max"] = "mean"

    def __post_init__(self) -> None:
        check_dims(self.dims)
        check_fields(self)


SMALL_TRAINING = Training(
    steps=6000, batch=16, keep=500, clip=1.0, beta2=0.99,
    network_rate=Schedule(1e-3, "cosine", final=2e-5, warm_up=0.02),
)  # fmt: skip
"""Minutes on two CPU cores."""


def in_plane(spec: MethodSpec, presets: Mapping[str, Any]) -> MethodSpec:
    """The same method for signed distances in the plane. presets: settings by name, the default first."""
    default = next(iter(presets.values()))
    return replace(
        spec, summary="the same for signed distances in the plane", settings=lambda: default, presets=presets,
        reads=("plane", "contour"),
    )  # fmt: skip


PLANE = Tasks(context=512, query=512, inside=False, infer_context=4096)
"""Samples of distances in the plane."""
