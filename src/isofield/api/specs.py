"""DeepSDF's `specs.json`, the settings of an experiment of the released code (Park et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isofield.configs import DeepSdfConfig, space_config
from isofield.errors import InputError

NETWORK = "NetworkSpecs"
"""The key by which such a file is known."""
HERE = {
    "CodeLength": "length", "NumEpochs": "epochs", "SamplesPerScene": "samples", "ScenesPerBatch": "batch",
    "ClampingDistance": "clamp", "CodeRegularizationLambda": "prior", "CodeBound": "code_bound",
    "GradientClipNorm": "clip", "LogFrequency": "keep", "BatchSplit": "parts",
}  # fmt: skip
"""Its names, and ours."""
LAYERS = (
    "dims", "dropout", "dropout_prob", "norm_layers", "latent_in", "weight_norm", "xyz_in_all", "use_tanh",
    "latent_dropout",
)  # fmt: skip
"""Names of the network's settings, which are ours."""
RATES = {"decoder_rate": 0, "code_rate": 1}
"""The learning rates, in the order of its schedules."""


def is_specs(table: Any) -> bool:
    """Whether these plain data are such settings."""
    return isinstance(table, Mapping) and NETWORK in table


def translated(specs: Mapping[str, Any]) -> tuple[DeepSdfConfig, list[str]]:
    """Our settings, and the names of those that mean nothing here. Raises InputError for what does not fit."""
    try:
        layers = dict(specs[NETWORK])
        told: dict[str, Any] = {here: specs[there] for there, here in HERE.items() if specs.get(there) is not None}
        told |= {
            name: layers[name] or () if name != "weight_norm" else layers[name] for name in LAYERS if name in layers
        }
        # What the released code's network takes where the file is silent.
        silent = {"dropout": (), "dropout_prob": 0.0, "norm_layers": (), "latent_in": (), "weight_norm": False}
        told = {"code_bound": 0.0, "clip": 0.0, **silent, **told}
        told |= {name: told[name] or False for name in ("xyz_in_all", "use_tanh", "latent_dropout") if name in told}
        if isinstance(told["dropout_prob"], tuple):
            told["dropout_prob"] = 0.0
        if "CodeInitStdDev" in specs:
            told["code_std"] = specs["CodeInitStdDev"]
        if specs.get("CodeRegularization") is False:
            told["prior"] = 0.0
        told["snapshots"] = _snapshots(specs)
        schedules = specs.get("LearningRateSchedule")
        if schedules is not None:
            told |= {name: _rate(schedules[place]) for name, place in RATES.items()}
        config = space_config("deepsdf", told)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"the specs do not fit ({type(error).__name__}: {error}): compare with DeepSDF's own."
        ) from None
    known = {*HERE, NETWORK, "CodeInitStdDev", "CodeRegularization", "SnapshotFrequency", "AdditionalSnapshots"}
    ignored = [name for name in specs if name not in {*known, "LearningRateSchedule"}]
    ignored += [f"{NETWORK}.{name}" for name in layers if name not in LAYERS]
    assert isinstance(config, DeepSdfConfig)
    return config, ignored


def _snapshots(specs: Mapping[str, Any]) -> list[int]:
    """The epochs after which the released code keeps a snapshot."""
    every, last = specs.get("SnapshotFrequency"), int(specs.get("NumEpochs", 0))
    regular = range(int(every), last + 1, int(every)) if every else ()
    return sorted({*regular, *map(int, specs.get("AdditionalSnapshots") or ())})


def _rate(schedule: Mapping[str, Any]) -> dict[str, Any]:
    match schedule["Type"]:
        case "Progress":
            return {
                "kind": "step", "initial": schedule["Initial"], "length": schedule["Interval"],
                "factor": schedule["Factor"],
            }  # fmt: skip
        case "Warmup":
            return {
                "kind": "warmup", "initial": schedule["Initial"], "length": schedule["Length"],
                "final": schedule["Final"],
            }  # fmt: skip
        case "Constant":
            return {"kind": "constant", "initial": schedule["Value"]}
    raise ValueError(f"no schedule {schedule['Type']!r}")
