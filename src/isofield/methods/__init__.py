"""The published methods, each one file, and the one table that names them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import entry_points

from isofield.configs import (
    PLUGINS,
    IgrConfig,
    Network,
    NeuralPullConfig,
    Quality,
    SaldConfig,
    SdfRegressionConfig,
    SirenConfig,
    SsdConfig,
    SsdSirenConfig,
    Start,
)
from isofield.errors import InputError
from isofield.methods import igr, neural_pull, sald, sdf_regression, siren, ssd, ssd_siren
from isofield.methods.progress import Progress
from isofield.types import Observation

Fit = Callable[[Observation, int, str], Iterator[Progress]]
"""(observation, seed, device) to steps, the last of which holds the field."""


def fitter(method: str, quality: Quality, start: Start, network: Network | None = None) -> tuple[Fit, object]:
    """The function that fits one shape by `method`, and its settings; raises KeyError for an unknown name.

    start, network: of the methods that learn a network alone; the others leave them.
    """
    match method:
        case "auto" | "smooth":  # the grid: best for its seconds (docs/adr/0004)
            return _with(ssd.fit, SsdConfig.of(quality))
        case "refined":
            return _with(ssd_siren.fit, SsdSirenConfig.of(quality))
        case "neural-pull":
            return _with(neural_pull.fit, NeuralPullConfig.of(quality, start, network))
        case "sald":
            return _with(sald.fit, SaldConfig.of(quality, start, network))
        case "sal":
            return _with(sald.fit, SaldConfig.of(quality, start, network, directed=False))
        case "igr":
            return _with(igr.fit, IgrConfig.of(quality, start, network))
        case "siren":
            return _with(siren.fit, SirenConfig.of(quality, start, network))
        case "deepsdf":
            return _with(sdf_regression.fit, SdfRegressionConfig.of(quality, start, network))
    return _plugin(method, quality)


def _plugin(method: str, quality: Quality) -> tuple[Fit, object]:
    """A method of another package, by its entry point (`configs.PLUGINS`)."""
    for point in entry_points(group=PLUGINS, name=method):
        try:
            found = point.load()
            return _with(found.fit, found.config(quality))
        except Exception as error:  # whatever another package raises
            raise InputError(
                f"method {method!r} of {point.value} cannot be loaded ({type(error).__name__}: {error}): mend or "
                "remove its package."
            ) from error
    raise KeyError(method)


def _with(fit: Callable[..., Iterator[Progress]], config: object) -> tuple[Fit, object]:
    return (lambda observed, seed, device: fit(observed, config, seed, device)), config
