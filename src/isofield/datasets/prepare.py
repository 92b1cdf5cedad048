"""Many shapes into training samples: the run over all of them."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from isofield import __version__
from isofield.configs import PrepareConfig
from isofield.datasets import report
from isofield.datasets.layout import Entry
from isofield.datasets.layouts import find
from isofield.datasets.manifest import (
    MANIFEST,
    RECORD,
    SHAPES,
    Record,
    begun,
    check_settings,
    settings_of,
    shape_folder,
    write,
)
from isofield.datasets.normalization import common_similarity
from isofield.datasets.pictures import crops_of, prepare_picture
from isofield.datasets.prepare_shape import fingerprint, prepare_shape, rejected, write_record
from isofield.datasets.quality_gate import AS_THEY_ARE, Gate
from isofield.datasets.splits import chosen, of_classes, read_split
from isofield.errors import InputError, OutputError, join_names
from isofield.files import PARTIAL
from isofield.isolation import Failure, Run, isolated

Progress = Callable[[int, int, Record], None]
"""(number of finished shapes, number of all shapes, the last one)"""
INNER = 0.05
"""Fraction of the surface in inner walls from which a warning names --outer."""


def prepare(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    config: PrepareConfig | None = None,
    *,
    layout: str = "auto",
    classes: Sequence[str] = (),
    split: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    workers: int | None = None,
    timeout: float | None = 600.0,
    progress: Progress | None = None,
    gate: Gate = AS_THEY_ARE,
) -> list[Record]:
    """Writes samples of every shape below `source` into the folder `out` (`datasets.manifest` describes it).

    layout: how the shapes are stored ("auto": found out). classes: which to take, all by default. split: files with the
    ids to take: a JSON list, DeepSDF's form, or a text with one id per line. workers: number of processes, by default
    one per core. timeout: seconds for one shape. progress: called after every shape. gate: how files become shapes;
    `api.prepare` gives the one that fits scans first.

    Every shape has a seed of its own, so that order, workers and interruptions change no byte; an interrupted run is
    resumed. A shape that cannot be read, crashes or takes too long is rejected with its reason.
    Warns of files that were read with warnings, of inner walls, and of shapes left out of a common frame.

    Raises InputError for a source without shapes, unknown classes, a split with unknown ids, a folder that was begun
    with other settings, and where the system refuses to write.
    """
    config, out = config or PrepareConfig(), Path(out)
    if config.fit and gate is AS_THEY_ARE:
        raise ValueError("to fit scans first, call isofield.prepare")
    if workers is not None and workers < 1:
        raise InputError(f"workers must be at least 1, not {workers}.")
    if timeout is not None and not timeout > 0:
        raise InputError(f"timeout must be seconds above 0, not {timeout:g}.")
    name, entries = find(source, layout)
    entries = crops_of(_selected(entries, classes, split), config)
    _check_kinds(source, entries, config)
    if config.normalize != "shape" and any(entry.precomputed for entry in entries):
        raise InputError(f"{source} has samples that are normalised shape by shape: leave --normalize out.")
    before = begun(out)
    with isolated(min(workers or os.cpu_count() or 1, len(entries)), timeout) as run:
        if config.normalize == "dataset" and config.similarity is None:
            config = replace(config, similarity=_similarity(entries, before, run, gate))
        check_settings(out, settings_of(config, name))
        lock = FileLock(out / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise InputError(f"{out} is being prepared by another run: wait, or choose another folder.") from None
        try:
            records = _records(entries, out, config, gate, run, progress)
        finally:
            lock.release()
        _finish(out, records, settings_of(config, name))
    _warn(records, config)
    return records


def _selected(
    entries: list[Entry],
    classes: Sequence[str],
    split: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None,
) -> list[Entry]:
    """The shapes of the classes and of the splits. Raises InputError where none is left."""
    of_class = {entry.id for entry in of_classes(entries, classes)} if classes else None
    if split:
        splits = [split] if isinstance(split, (str, os.PathLike)) else split
        names = ", ".join(map(str, splits))
        entries = chosen(entries, [id_ for path in splits for id_ in read_split(path)], names)
        if not entries:
            raise InputError(f"{names} names no shapes: give at least one id.")
    if of_class is not None:
        entries = [entry for entry in entries if entry.id in of_class]
        if not entries:
            raise InputError(f"the split names no shape of {', '.join(classes)}: give another split, or other classes.")
    return entries


def _check_kinds(source: str | os.PathLike[str], entries: Sequence[Entry], config: PrepareConfig) -> None:
    """Raises InputError where shapes in space would need samples of pictures, or pictures those of shapes in space."""
    kinds = " and ".join(config.samples)
    if not config.of_pictures and any(entry.picture is not None for entry in entries):
        raise InputError(
            f"{source} holds pictures, which have no {kinds} samples: use --samples plane contour, or image."
        )
    if config.of_pictures and any(entry.picture is None for entry in entries):
        raise InputError(
            f"{source} holds shapes in space, which have no {kinds} samples: add --layout pictures for the pictures "
            "beside them, or use other --samples."
        )
    if config.of_pictures and config.normalize != "shape":
        raise InputError(f"{source} holds pictures, and each spans -1 to 1: leave --normalize out.")


def _similarity(
    entries: list[Entry], before: dict[str, object] | None, run: Run, gate: Gate
) -> tuple[float, float, float, float]:
    """Centre and scale for all shapes: those in the folder, if any, so that a changed file moves no other shape."""
    match (before or {}).get("similarity"):
        case [float(x), float(y), float(z), float(scale)] if scale > 0:
            return x, y, z, scale
    similarity, failed = common_similarity(entries, run, gate.extent)
    if failed:
        reasons = "; ".join(f"{id_} ({reason.rstrip('.')})" for id_, reason in failed.items())
        number = f"{len(failed)} of {len(entries)}"
        warnings.warn(f"{number} shapes are left out of the common frame of the data set: {reasons}", stacklevel=3)
    return *similarity.center, similarity.scale


def _records(
    entries: list[Entry], out: Path, config: PrepareConfig, gate: Gate, run: Run, progress: Progress | None
) -> list[Record]:
    """The records of all shapes; those that are missing are prepared."""
    for path in (out / SHAPES).rglob(f"{PARTIAL}*") if (out / SHAPES).is_dir() else ():
        shutil.rmtree(path, ignore_errors=True)  # left by a run that was killed
    done = {entry.id: record for entry in entries if (record := _finished(out, entry)) is not None}
    todo = [(entry, out.absolute(), config, gate) for entry in entries if entry.id not in done]
    for (entry, folder, *_), result in run(prepare_or_reject, todo):
        record = write_record(folder, rejected(entry, result.reason)) if isinstance(result, Failure) else result
        done[entry.id] = record
        if progress is not None:
            progress(len(done), len(entries), record)
    return [done[entry.id] for entry in entries]


def prepare_or_reject(task: tuple[Entry, Path, PrepareConfig, Gate]) -> Record:
    """`prepare_shape` or `prepare_picture`, whose errors become a rejected shape instead of the end of the run. Raises
    `OutputError` where the system refuses to write."""
    entry, out, config, gate = task
    try:
        if entry.picture is not None:
            return prepare_picture(entry, out, config)
        return prepare_shape(entry, out, config, gate)
    except OutputError:
        raise
    except InputError as error:
        return write_record(out, rejected(entry, str(error)))
    except MemoryError:
        return write_record(out, rejected(entry, "too large for the memory of this machine"))
    except Exception as error:  # an unexpected error with one shape must not end the run
        return write_record(out, rejected(entry, f"failed ({type(error).__name__}: {error})"[:300]))


def _finished(out: Path, entry: Entry) -> Record | None:
    """The record of a shape that was prepared from the same file, if its arrays are whole. Rejected shapes are tried
    again: with more time, or more memory, they may pass."""
    path = shape_folder(out, entry.id) / RECORD
    try:
        record = Record(**json.loads(path.read_text(encoding="utf-8")))
        for kind in record.files:
            np.load(path.parent / f"{kind}.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, TypeError):
        return None
    return record if record.outcome != "reject" and record.fingerprint == fingerprint(entry) else None


def _finish(out: Path, records: list[Record], settings: dict[str, object]) -> None:
    """Writes the report and, last, the manifest, which says that the data set is complete."""
    report.write(out, records)
    shapes = [asdict(record) for record in records]
    write(out / MANIFEST, {"isofield": __version__, "settings": settings, "shapes": shapes})


def _warn(records: Sequence[Record], config: PrepareConfig) -> None:
    """Warns once of what was read with warnings, once of inner walls, and once of copies."""
    noted = [record for record in records if record.notes]
    if noted:
        first = "; ".join(noted[0].notes)
        number = f"{len(noted)} of {len(records)}"
        warnings.warn(f"{number} files were read with warnings (report.csv has all): {first}", stacklevel=3)
    alike: dict[tuple[object, ...], list[str]] = {}
    for r in records:  # two meshes have all of these figures in common only where one is a copy
        if r.figures.get("volume"):
            alike.setdefault((*r.center, r.scale, *sorted(r.figures.items())), []).append(r.id)
    copies = [f"{copy} of {first}" for first, *others in alike.values() for copy in others]
    if copies:
        warnings.warn(
            f"{len(copies)} of {len(records)} shapes are copies ({join_names(copies, 3)}): a copy of a training shape "
            "is not unseen, so leave it out of a split",
            stacklevel=3,
        )
    walls = {r.id: r.figures["inner"] for r in records if r.outcome != "reject" and r.figures.get("inner", 0) > INNER}
    if walls and not config.outer:
        most = f"{100 * max(walls.values()):.0f} %"
        warnings.warn(
            f"{len(walls)} of {len(records)} shapes have inner walls, up to {most} of their surface "
            f"({join_names([*walls], 3)}): --outer keeps only the outer surface of overlapping parts",
            stacklevel=3,
        )
