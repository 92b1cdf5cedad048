"""A space of shapes, learned from a prepared data set."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from isofield import __version__, training
from isofield.adapt import tensor
from isofield.api.field import chosen_device
from isofield.api.inference import CLAMP, held_out
from isofield.api.signs import SignCheck
from isofield.api.space import ShapeSpace, TrainingShape
from isofield.api.validation import scores, truth_kind
from isofield.configs.common import MethodSpec
from isofield.configs.methods import SPACES, check_config, find_method
from isofield.configs.preparing import PrepareConfig, prepare_config
from isofield.configs.training import training_of
from isofield.datasets import Prepared, by_kind, ids_of
from isofield.datasets.layout import check_no_data
from isofield.datasets.splits import has_part
from isofield.errors import InputError, with_article
from isofield.losses.signed import clamped
from isofield.rows import evenly
from isofield.sampling.balanced import fraction_inside
from isofield.sampling.unsigned_rows import unsigned_distances
from isofield.threads import deterministic
from isofield.types import ProgressCallback, SdfSamples, Shape, Space, TrainedSpace, lacking, with_parts

VALID = "valid"
"""The part of a split that chooses the best state of a training."""
TYPICAL = 16
"""Training shapes whose loss is recorded."""
Watch = Callable[[int, Callable[[], ShapeSpace]], None]
"""What `train` calls every few steps: the step's number, and a function that returns a copy of the space so far."""


def train(
    method: str,
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    config: Any = None,
    *,
    split: str | os.PathLike[str] | None = None,
    seed: int = 0,
    resume: bool = False,
    device: str = "cpu",
    progress: ProgressCallback | None = None,
    watch: Watch | None = None,
) -> ShapeSpace:
    """Learns a space of the shapes of a prepared data set, and writes it into the folder `out`.

    method: a name that `isofield train --help` lists. config: its settings. split: a file with the ids to learn
    from, its part "train" where it has parts; all shapes by default. resume: continue a training that was stopped.
    progress: called with the stage and the fraction that is done. watch: called every few steps of a descent. Raises
    InputError for data that cannot be learned from, a folder that is not empty, and a training that cannot be resumed.
    Ctrl-C raises KeyboardInterrupt, after a training by descent has been written. Under torchrun all processes train
    one model, and the first writes it.
    """
    spec = find_method(method, SPACES)
    settings = spec.settings() if config is None else config
    space, plan, device = _untrained(spec, method, settings, resume), training_of(settings), chosen_device(device)
    folder, report = Path(out), progress or (lambda stage, fraction: None)
    with training.joined_processes() as processes:
        if not resume:
            check_no_data(folder)
            training.check_new(folder)
            processes.wait()
        examples = _examples(spec, settings, data, split)
        if plan is not None and plan.validate and not (split and has_part(split, VALID)):
            raise InputError(
                f"validation needs a split with the part {VALID!r}: `isofield split --valid 0.1` makes it."
            )
        if plan is not None and plan.validate:
            truth_kind(data)
        about = {"isofield": __version__, "data": str(data), "seed": seed}
        result = partial(_result, examples=examples, method=method, settings=settings, about=about)
        space = space.start(examples.shapes, seed, report)
        if plan is None:
            learned = result(_frozen(space))
            learned.save(folder)
            return learned

        trainer = training.Trainer(cast(TrainedSpace, space), examples.shapes, seed, processes, device)
        begun = {
            "method": method, "seed": seed, "shapes": [record.id for record in examples.records],
            "rows": examples.counts, "device": trainer.table.device.type, **asdict(settings),
        }  # fmt: skip
        if resume:
            training.resume(trainer, folder, begun)

        def score(now: ShapeSpace) -> float:
            assert split is not None
            return fmean(row["iou"] for row in scores(now, data, split, VALID, device))

        first = processes.rank == 0
        signs = _sign_check(trainer, examples, spec.kinds(settings), seed) if first else None
        return _descended(trainer, folder, begun, result, score, report, watch if first else None, signs)


def _untrained(spec: MethodSpec, method: str, settings: Any, resume: bool) -> Space:
    """A space with these settings before it has seen a shape. Raises InputError for settings of another method, a class
    that lacks methods, and what a space that is solved at once does not have."""
    check_config(method, settings, SPACES)
    space: Space = spec.method(settings)
    plan = training_of(settings)
    if lacks := lacking(space, Space if plan is None else TrainedSpace):
        raise InputError(f"the class of method {method!r} lacks {', '.join(lacks)}: add them (docs/add-a-method.md).")
    if plan is not None and plan.compile and not spec.compiles:
        raise InputError(f"{with_article(method)} space has no decoder to compile: leave training.compile out.")
    if resume and plan is None:
        raise InputError(
            f"{with_article(method)} space is solved at once: there is nothing to resume; leave --resume out."
        )
    return space


def _descended(
    trainer: training.Trainer, folder: Path, begun: dict[str, Any], result: Callable[[Space], ShapeSpace],
    score: Callable[[ShapeSpace], float], report: ProgressCallback, watch: Watch | None, signs: SignCheck | None,
) -> ShapeSpace:  # fmt: skip
    """The space after all steps, written into a folder. result: what users hold of a space. score: of a space, for the
    best state. signs: looks for shapes that have lost theirs."""

    def dated(space: Space) -> ShapeSpace:
        learned = result(space)
        judged = {"best_iou": round(trainer.best, 4)} if trainer.best >= 0 else {}
        steps = f"{trainer.done} of {trainer.steps}"
        return replace(learned, provenance={**learned.provenance, "steps": steps, **judged})

    def copied() -> ShapeSpace:
        module = copy.deepcopy(trainer.space.module)
        return dated(_frozen(with_parts(trainer.space, module, trainer.table.detach().cpu().clone())))

    def reported(stage: str, fraction: float) -> None:
        report(stage, fraction)
        if signs is not None:
            signs(trainer.done)
        if watch is not None:
            watch(trainer.done, copied)

    written: list[ShapeSpace] = []  # the last one; the processes but the first write none

    def save(into: Path) -> None:
        written[:] = [dated(trainer.space)]
        written[0].save(into)

    training.run(trainer, folder, begun, save, reported, lambda: score(copied()))
    trained = _frozen(trainer.space)
    return written[0] if written else dated(trained)


def _sign_check(trainer: training.Trainer, examples: _Examples, kinds: Sequence[str], seed: int) -> SignCheck | None:
    """For a space that learns its signs by pulling queries to clouds; None where samples tell the sides."""
    drawn = trainer.space.draw(examples.shapes[0], np.random.default_rng(seed))
    if "signed" in kinds or not {"query", "nearest"} <= drawn.keys():
        return None
    return SignCheck(trainer.space, examples.shapes, [record.id for record in examples.records], seed)


@dataclass(frozen=True)
class _Examples:
    """The training shapes: their samples, what the folder of a space says of them, and what unseen shapes will have."""

    shapes: Sequence[Shape]
    seen: Sequence[Shape]
    records: list[TrainingShape]
    counts: Sequence[int]
    prepare: PrepareConfig


def _examples(
    spec: MethodSpec, settings: Any, data: str | os.PathLike[str], split: str | os.PathLike[str] | None
) -> _Examples:
    """The shapes of a prepared data set, or of the part "train" of a split of it, as a method reads them."""
    ids = None if split is None else ids_of(data, split, "train")
    parts = by_kind(data, spec.kinds(settings), ids)
    prepared = next(iter(parts.values()))
    shapes, kinds = training_shapes(parts, data), spec.observed_kinds(settings)
    return _Examples(
        shapes=shapes,
        seen=[observed_part(shape, kinds) for shape in shapes],
        records=[TrainingShape(record.id, record.label, record.similarity) for record in prepared.records],
        counts=[len(prepared.rows(row)) for row in range(len(shapes))],
        prepare=prepare_config(prepared.settings),
    )


def _result(space: Space, examples: _Examples, method: str, settings: Any, about: Mapping[str, Any]) -> ShapeSpace:
    """A space as it is now, with the codes of its training shapes and their typical loss."""
    with torch.no_grad():
        codes = space.codes(examples.shapes).detach().cpu()
    count = len(codes)
    return ShapeSpace(
        space.module, codes.numpy().copy(), examples.records[:count], method, settings, examples.prepare,
        {**about, **typical_loss(space, codes, examples.seen[:count])},
    )  # fmt: skip


def _frozen(space: Space) -> Space:
    """The same space, its module on the CPU and without gradients."""
    space.module.eval().requires_grad_(False).cpu()
    return space


def training_shapes(parts: Mapping[str, Prepared], data: str | os.PathLike[str]) -> Sequence[Shape]:
    """The prepared samples by kind as the method gets them, mapped into memory.

    Raises InputError for shapes whose signed samples are all on one side of their surface.
    """
    records = next(iter(parts.values())).records
    if "signed" not in parts:
        return [Shape(rows={kind: part.rows(row) for kind, part in parts.items()}) for row in range(len(records))]
    samples = [SdfSamples(some[:, :3], some[:, 3]) for some in map(parts["signed"].rows, range(len(records)))]
    inside = [fraction_inside(one) for one in samples]
    wrong = [record.id for record, part in zip(records, inside, strict=True) if not 0 < part < 1]
    if wrong:
        raise InputError(
            f"{data} has shapes with no samples inside or none outside ({', '.join(wrong)}): leave them out with "
            "--split, or sample both sides of them (sheets of meshes: prepare with --thickness)."
        )
    others = {kind: part for kind, part in parts.items() if kind != "signed"}
    return [
        Shape(
            samples=SdfSamples(one.points, one.distance, None, part),
            rows={kind: other.rows(row) for kind, other in others.items()},
        )
        for row, (one, part) in enumerate(zip(samples, inside, strict=True))
    ]


def observed_part(shape: Shape, kinds: Sequence[str]) -> Shape:
    """A training shape with the samples alone that an unseen shape has."""
    rows = {kind: some for kind, some in shape.rows.items() if kind in kinds}
    return Shape(samples=shape.samples if "signed" in kinds else None, rows=rows)


def typical_loss(space: Space, codes: Tensor, shapes: Sequence[Shape]) -> dict[str, float]:
    """The median and the 95th percentile of the clamped errors of some training shapes, where they have samples of
    their distances: what `api.inference` compares unseen shapes with."""
    rows = evenly(len(shapes), TYPICAL)
    if any(shapes[row].samples is None and unsigned_distances(shapes[row]) is None for row in rows):
        return {}
    errors, device = [], str(space.table.device)
    with deterministic(), torch.no_grad():
        for row in rows:
            last, signed = held_out(shapes[row])
            x, s = (tensor(np.array(some, np.float32), device) for some in (last.points, last.distance))
            value = space.module(x[None], codes[row][None].to(device))[0]
            errors.append(float(clamped(value if signed else value.abs(), s, CLAMP)))
    return {"loss": float(np.median(errors)), "loss_p95": float(np.quantile(errors, 0.95))}
