"""Running a method on one shape."""

from __future__ import annotations

from isofield.configs.methods import find_method, method_of
from isofield.types import FitProgress, Observation, Shape


def stages(config: object, observed: Observation, seed: int = 0) -> list[FitProgress]:
    """All progress of the inference of one shape; the method is the one that the settings belong to."""
    method = find_method(method_of(config)).method(config)
    return list(method.infer((Shape(observed),), seed, "cpu"))


def fitted(config: object, observed: Observation, seed: int = 0):
    """The field of one shape."""
    done = stages(config, observed, seed)
    fractions = [stage.fraction for stage in done]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    return find_method(method_of(config)).method(config).field(done[-1].code)
