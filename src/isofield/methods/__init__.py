"""The published methods, each one file, and the one table that names them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from isofield.configs import NeuralPullConfig, Quality, RefinedConfig, SmoothConfig, Start
from isofield.methods import neural_pull, refined, smooth
from isofield.methods.step import Step
from isofield.types import Observation

Fit = Callable[[Observation, int, str], Iterator[Step]]
"""(observation, seed, device) to steps, the last of which holds the field."""


def fitter(method: str, quality: Quality, start: Start) -> tuple[Fit, object]:
    """The function that fits one shape by `method`, and its settings; raises KeyError for an unknown name."""
    match method:
        case "auto" | "smooth":  # the grid: best for its seconds (docs/adr/0004)
            s = SmoothConfig.of(quality)
            return (lambda observed, seed, device: smooth.fit(observed, s, seed, device)), s
        case "refined":
            r = RefinedConfig.of(quality)
            return (lambda observed, seed, device: refined.fit(observed, r, seed, device)), r
        case "neural-pull":
            n = NeuralPullConfig.of(quality, start)
            return (lambda observed, seed, device: neural_pull.fit(observed, n, seed, device)), n
    raise KeyError(method)
