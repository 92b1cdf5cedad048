"""A space of shapes, learned from a prepared data set."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from isofield import __version__, training
from isofield.api.load import prepare_config
from isofield.api.observations import similarity_of
from isofield.api.space import Shape, ShapeSpace
from isofield.configs import (
    DEFAULTS,
    SPACES,
    DeepSdfConfig,
    LinearConfig,
    PcaMlpConfig,
    SpaceConfig,
    check_linear,
    check_training,
)
from isofield.datasets import Prepared, ids_of
from isofield.errors import InputError, did_you_mean
from isofield.folder_format import reason
from isofield.methods import auto_decoder, linear, sharpened
from isofield.methods.auto_decoder import Rows
from isofield.types import ProgressCallback

LOOKED = 40_000
"""So many samples of a shape are looked at first, whether some are inside."""


def train(
    method: str,
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    config: SpaceConfig | None = None,
    *,
    split: str | os.PathLike[str] | None = None,
    seed: int = 0,
    resume: bool = False,
    device: str = "cpu",
    progress: ProgressCallback | None = None,
) -> ShapeSpace:
    """Learns a space of the shapes of a prepared data set, and writes it into the folder `out`.

    method: one of `configs.SPACES`. config: its settings. split: a file with the ids to learn from, of which the part
    "train" counts where there is one; all shapes by default. resume: go on with a training that was stopped.
    progress: called with what is being done and the share that is done. Raises InputError for data that cannot be
    learned from, a folder that holds something, and a training that cannot be resumed. Ctrl-C raises
    KeyboardInterrupt, after a training that is learned by descent has been written down. Under torchrun all processes
    learn one model, and the first writes it.
    """
    if method not in SPACES:
        raise InputError(
            f"there is no space {method!r}{did_you_mean(method, SPACES)}: choose among {', '.join(SPACES)}."
        )
    folder, tell = Path(out), progress or (lambda stage, fraction: None)
    settings = config or DEFAULTS[method]
    if resume and isinstance(settings, LinearConfig):
        raise InputError("a linear space is solved for at once: there is nothing to resume; leave --resume out.")
    if not isinstance(settings, LinearConfig):
        check_training(settings)
    if not isinstance(settings, DeepSdfConfig):
        check_linear(settings if isinstance(settings, LinearConfig) else settings.linear)
    with training.joined_processes() as processes:
        if not resume:
            training.check_new(folder)
            processes.wait()
        prepared = Prepared(data, "signed", ids=None if split is None else ids_of(data, split, "train"))
        inside = check_sides(prepared, data)
        shapes = [Shape(record.id, record.label, similarity_of(record)) for record in prepared.records]
        provenance = {"isofield": __version__, "data": str(data), "seed": seed}
        blank = ShapeSpace(
            nn.Identity(), np.zeros((0, 0), np.float32), shapes, method, settings, prepare_config(prepared.settings),
            provenance,
        )  # fmt: skip
        if isinstance(settings, LinearConfig):
            space = _solved(blank, settings, prepared, tell)
            space.save(folder)
            return space
        return _learned(blank, settings, prepared, inside, folder, resume, torch.device(device), processes, tell)


def _solved(blank: ShapeSpace, settings: LinearConfig, prepared: Prepared, tell: ProgressCallback) -> ShapeSpace:
    """The linear space of all shapes."""
    module, codes = linear.learn(linear.known_of(prepared.rows), len(blank.shapes), settings, tell)
    return replace(blank, module=module.eval(), codes=codes.numpy())


def _learned(
    blank: ShapeSpace, config: DeepSdfConfig | PcaMlpConfig, prepared: Prepared, inside: Sequence[float],
    folder: Path, resume: bool, device: torch.device, processes: training.Processes, tell: ProgressCallback,
) -> ShapeSpace:  # fmt: skip
    """The space that a network learns by descent, with all that is needed to go on in `folder`."""
    seed, count = int(blank.provenance["seed"]), len(blank.shapes)
    mapped = [prepared.rows(row) for row in range(count)]
    learner = _learner(config, mapped.__getitem__, inside, count, seed, device, tell)
    if isinstance(config, PcaMlpConfig):
        plan = sharpened.plan(config, seed)
    else:
        plan = auto_decoder.plan(config, count, seed)
    course = training.Training(learner, plan, processes)
    told = {
        "method": blank.method, "seed": seed, "shapes": blank.ids, "rows": [len(rows) for rows in mapped],
        "device": device.type, **asdict(config),
    }  # fmt: skip
    if resume:
        try:
            course.restore(training.read_state(folder, told))
        except (KeyError, RuntimeError, TypeError, ValueError, IndexError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{folder} cannot be gone on from ({reason(error)}): train into another folder.") from None

    def space(codes: Tensor) -> ShapeSpace:
        return replace(blank, module=learner.module, codes=codes.numpy())

    def save(where: Path, codes: Tensor) -> None:
        space(codes).save(where)

    training.run(course, folder, told, save, tell)
    done = space(course.all_codes())
    learner.module.eval().requires_grad_(False).cpu()
    return done


def _learner(
    config: DeepSdfConfig | PcaMlpConfig, rows: Rows, inside: Sequence[float], count: int, seed: int,
    device: torch.device, tell: ProgressCallback,
) -> training.Learner:  # fmt: skip
    """What is learned, on its device."""
    try:
        if isinstance(config, PcaMlpConfig):
            space, known = sharpened.network(rows, count, config, seed, tell)
            return sharpened.learner(space.to(device), known.to(device), rows, inside, config)
        module = auto_decoder.network(config, seed).to(device)
    except ValueError as error:
        raise InputError(f"these settings make no network ({error}): change dims, latent_in or length.") from None
    codes = auto_decoder.first_codes(count, config, seed).to(device)
    return auto_decoder.learner(module, codes, rows, inside, config)


def check_sides(prepared: Prepared, data: str | os.PathLike[str]) -> list[float]:
    """Of every shape the share of its samples that is inside, about.

    Raises InputError for shapes without samples on both sides of their surface.
    """
    wrong, inside = [], []
    for row, record in enumerate(prepared.records):
        rows = prepared.rows(row)
        share = float((rows[:LOOKED, 3] < 0).mean()) if len(rows) else 0.0
        if not 0 < share < 1 and len(rows):
            share = float((rows[:, 3] < 0).mean())
        if not 0 < share < 1:
            wrong.append(record.id)
        inside.append(share)
    if wrong:
        raise InputError(
            f"{data} has shapes with no samples inside or none outside ({', '.join(wrong)}): leave them out with "
            "--split, or prepare them with a thicker --thickness."
        )
    return inside
