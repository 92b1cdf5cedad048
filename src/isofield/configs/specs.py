"""DeepSDF's `specs.json`, the settings of an experiment of the released code (Park et al. 2019)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from isofield.configs.deepsdf import PAPER, DeepSdf
from isofield.configs.methods import changed
from isofield.errors import InputError

NETWORK = "NetworkSpecs"
"""The key that marks such a file."""
SETTINGS = {
    "CodeLength": "length", "SamplesPerScene": "samples", "ClampingDistance": "clamp",
    "CodeRegularizationLambda": "prior", "CodeInitStdDev": "code_std",
}  # fmt: skip
TRAINING = {
    "NumEpochs": "epochs", "ScenesPerBatch": "batch", "CodeBound": "code_bound", "GradientClipNorm": "clip",
    "LogFrequency": "keep", "BatchSplit": "parts",
}  # fmt: skip
"""The file's names, and those of `configs.DeepSdf` and of its training."""
LAYERS = {
    "dims": (), "dropout": (), "dropout_prob": 0.0, "norm_layers": (), "latent_in": (), "weight_norm": False,
    "xyz_in_all": False, "use_tanh": False, "latent_dropout": False,
}  # fmt: skip
"""The network's settings, which have the same names here, as the released code has them where the file is silent."""
OTHERS = {
    NETWORK, "CodeRegularization", "SnapshotFrequency", "AdditionalSnapshots", "LearningRateSchedule",
}  # fmt: skip
"""Other names that mean something here."""


def is_specs(table: Any) -> bool:
    """Whether these plain data are such settings."""
    return isinstance(table, Mapping) and NETWORK in table


def from_specs(table: Mapping[str, Any]) -> DeepSdf | None:
    """The settings, with a warning that names those without a meaning here; None for another table."""
    if not is_specs(table):
        return None
    config, ignored = translated(table)
    if ignored:
        warnings.warn(f"DeepSDF's settings {', '.join(ignored)} have no meaning here.", stacklevel=2)
    return config


def translated(specs: Mapping[str, Any]) -> tuple[DeepSdf, list[str]]:
    """The settings, and the names that have no meaning here. Raises InputError for values that do not fit."""
    try:
        layers = dict(specs[NETWORK])
        table = {here: specs[there] for there, here in SETTINGS.items() if specs.get(there) is not None}
        table |= {name: silent if layers.get(name) is None else layers[name] for name, silent in LAYERS.items()}
        if specs.get("CodeRegularization") is False:
            table["prior"] = 0.0
        training = {here: specs[there] for there, here in TRAINING.items() if specs.get(there) is not None}
        training = {"code_bound": 0.0, "snapshots": _snapshots(specs), **training}
        schedules = specs.get("LearningRateSchedule")
        if schedules is not None:
            training |= {"network_rate": _rate(schedules[0]), "code_rate": _rate(schedules[1])}
        config = changed(PAPER, {**table, "training": training}, "deepsdf")
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"the specs do not fit ({type(error).__name__}: {error}): compare with DeepSDF's own."
        ) from None
    ignored = [name for name in specs if name not in {*SETTINGS, *TRAINING, *OTHERS}]
    return config, ignored + [f"{NETWORK}.{name}" for name in layers if name not in LAYERS]


def _snapshots(specs: Mapping[str, Any]) -> list[int]:
    """The epochs after which the released code keeps a snapshot."""
    every, last = specs.get("SnapshotFrequency"), int(specs.get("NumEpochs", 0))
    regular = range(int(every), last + 1, int(every)) if every else ()
    return sorted({*regular, *map(int, specs.get("AdditionalSnapshots") or ())})


def _rate(schedule: Mapping[str, Any]) -> dict[str, Any]:
    match schedule["Type"]:
        case "Progress":
            names = {"initial": "Initial", "every": "Interval", "factor": "Factor"}
            return {"kind": "step", **{here: schedule[there] for here, there in names.items()}}
        case "Warmup":
            names = {"initial": "Initial", "every": "Length", "final": "Final"}
            return {"kind": "warmup", **{here: schedule[there] for here, there in names.items()}}
        case "Constant":
            return {"kind": "constant", "initial": schedule["Value"]}
    raise ValueError(f"no schedule {schedule['Type']!r}")
