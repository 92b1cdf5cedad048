"""Many shapes into training samples: the run over all of them."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from filelock import FileLock, Timeout

from isofield.configs import NORMALIZE, SAMPLES, SIGNS, PrepareConfig
from isofield.datasets import report
from isofield.datasets.isolation import working
from isofield.datasets.layout import Entry
from isofield.datasets.layouts import find
from isofield.datasets.manifest import MANIFEST, RECORD, SHAPES, Record, begun, check_settings, settings_of, write
from isofield.datasets.normalization import common
from isofield.datasets.prepare_shape import guarded, place, stamp
from isofield.datasets.splits import chosen, of_classes, read_split
from isofield.errors import InputError
from isofield.files import PARTIAL

Told = Callable[[int, int, Record], None]
"""(how many are done, of how many, the last one)"""
BACKENDS = ("local", "ray", "dask")
PACKAGES = {"ray": "ray", "dask": "distributed"}
"""What a backend needs beside joblib."""


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
    backend: str = "local",
    told: Told | None = None,
) -> list[Record]:
    """Samples of every shape below `source`, into the folder `out` (`datasets.manifest` says what lies there).

    layout: how the shapes lie ("auto" finds out). classes: those to take, all by default. split: files with the ids to
    take, a JSON list or DeepSDF's form, or a text of an id a line.
    workers: processes at once, all cores by default. timeout: seconds for one shape. backend: where joblib runs it.
    told: called after every shape.

    Every shape has a seed of its own: order, workers and interruptions change no byte. What was stopped goes on where
    it was. A shape that cannot be read, crashes or takes too long is rejected with its reason; the others go on.
    Raises InputError for a source without shapes, unknown classes, a split with unknown ids, other settings than the
    folder was begun with, and where nothing can be written.
    """
    config, out = config or PrepareConfig(), Path(out)
    _check(config, workers, timeout, backend)
    found, entries = find(source, layout)
    known = entries
    if split:
        splits = [split] if isinstance(split, (str, os.PathLike)) else split
        named = ", ".join(map(str, splits))
        entries = chosen(entries, [id_ for path in splits for id_ in read_split(path)], named)
        if not entries:
            raise InputError(f"{named} names no shapes: give at least one id.")
    if classes:
        wanted = {entry.id for entry in of_classes(known, classes)}
        entries = [entry for entry in entries if entry.id in wanted]
        if not entries:
            raise InputError(f"the split names no shape of {', '.join(classes)}: give another split, or other classes.")
    if config.normalize != "shape" and any(entry.precomputed for entry in entries):
        raise InputError(f"{source} has samples that others normalised shape by shape: leave --normalize out.")
    workers = workers or os.cpu_count() or 1
    if config.normalize == "dataset" and config.similarity is None:
        config = replace(config, similarity=_similarity(entries, out, workers, timeout))
    check_settings(out, settings_of(config, found))
    lock = FileLock(out / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"{out} is being prepared by another run: wait for it, or choose another folder.") from None
    try:
        return _prepared(entries, out, config, found, workers, timeout, backend, told)
    finally:
        lock.release()


def _similarity(
    entries: list[Entry], out: Path, workers: int, timeout: float | None
) -> tuple[float, float, float, float]:
    """Centre and scale for all shapes, as the folder was begun with, so that a file that has changed moves no other."""
    match (begun(out) or {}).get("similarity"):
        case [float(x), float(y), float(z), float(scale)] if scale > 0:
            return x, y, z, scale
    with working():
        found = common(entries, workers, timeout)
    return *found.center, found.scale


def _prepared(
    entries: list[Entry],
    out: Path,
    config: PrepareConfig,
    layout: str,
    workers: int,
    timeout: float | None,
    backend: str,
    told: Told | None,
) -> list[Record]:
    """The records of all shapes, once those that lack are prepared, and what is written about them."""
    from isofield import __version__

    _clear(out)
    done = {entry.id: record for entry in entries if (record := _known(out, entry)) is not None}
    todo = [entry for entry in entries if entry.id not in done]
    with working():
        for record in _run(todo, out, config, workers, timeout, backend):
            done[record.id] = record
            if told is not None:
                told(len(done), len(entries), record)
    records = [done[entry.id] for entry in entries]
    settings = settings_of(config, layout)
    report.write(out, records)
    write(out / MANIFEST, {  # what says that all is there
        "isofield": __version__, "settings": settings, "shapes": [asdict(record) for record in records],
    })  # fmt: skip
    return records


def _run(
    todo: list[Entry], out: Path, config: PrepareConfig, workers: int, timeout: float | None, backend: str
) -> Iterable[Record]:
    """The records of shapes as they are done, in any order. Locally threads wait, each for a process of its own."""
    with _cluster(backend, workers):
        kind = "threading" if backend == "local" else backend
        # Ray's pool gives its results at the end only.
        way = "list" if backend == "ray" else "generator_unordered"
        with joblib.parallel_config(backend=kind, n_jobs=workers):
            jobs = joblib.Parallel(return_as=way, batch_size=1)
            yield from jobs(joblib.delayed(guarded)(entry, out.absolute(), config, timeout) for entry in todo)


@contextmanager
def _cluster(backend: str, workers: int) -> Iterator[None]:
    """The cluster that the environment names (DASK_SCHEDULER_ADDRESS, RAY_ADDRESS), or one on this machine."""
    try:
        if backend == "dask":
            import dask
            from dask.distributed import Client, LocalCluster

            address = os.environ.get("DASK_SCHEDULER_ADDRESS")
            # Workers that are daemons could not start a process for each shape.
            with dask.config.set({"distributed.worker.daemon": False}), ExitStack() as stack:
                cluster = address or stack.enter_context(
                    LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
                )
                stack.enter_context(Client(cluster))
                yield
        elif backend == "ray":
            import ray
            from ray.util.joblib import register_ray

            ours = not ray.is_initialized()
            if ours:
                address = os.environ.get("RAY_ADDRESS")
                local: dict[str, Any] = {} if address else {"num_cpus": workers, "include_dashboard": False}
                ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **local)
            register_ray()
            try:
                yield
            finally:
                if ours:
                    ray.shutdown()
        else:
            yield
    except ImportError as error:
        raise InputError(
            f"--backend {backend} needs the package {error.name}: pip install 'isofield[{backend}]'."
        ) from None


def _known(out: Path, entry: Entry) -> Record | None:
    """The record of a shape that is whole already, of the same file. Rejected ones are tried again: their file may be
    mended, or their time longer."""
    path = place(out, entry.id) / RECORD
    try:
        record = Record(**json.loads(path.read_text(encoding="utf-8")))
        for kind in record.files:
            np.load(path.parent / f"{kind}.npy", mmap_mode="r", allow_pickle=False)
        whole = record.outcome != "reject" and record.stamp == stamp(entry)
    except (OSError, ValueError, TypeError):
        return None
    return record if whole else None


def _clear(out: Path) -> None:
    """Removes what a killed run left half written."""
    for path in (out / SHAPES).rglob(f"{PARTIAL}*") if (out / SHAPES).is_dir() else ():
        shutil.rmtree(path, ignore_errors=True)


def _check(config: PrepareConfig, workers: int | None, timeout: float | None, backend: str) -> None:
    def positive(values: tuple[float, ...]) -> bool:
        return bool(values) and all(0 < value < np.inf for value in values)

    def told(values: tuple[float, ...]) -> str:
        return " ".join(f"{value:g}" for value in values)

    for wrong, sentence in (
        (not config.samples, "no samples are asked for: name at least one kind"),
        (config.count < 1, f"count {config.count} is too few: give at least 1"),
        (config.points < 100, f"points {config.points} are too few: give at least 100"),
        (not 0 <= config.near <= 1, f"near {config.near} is no share: give 0 to 1"),
        (not positive(config.variances), f"variances {told(config.variances)} are not all above 0"),
        (not positive(config.level_variances), f"level_variances {told(config.level_variances)} are not all above 0"),
        (not 0 <= config.thickness < 0.5, f"thickness {config.thickness} is no wall: give 0 to 0.5, of the unit ball"),
        (not 0 <= config.sheets <= 1, f"max-sheets {config.sheets:g} is no share: give 0 to 1"),
        (not 0 <= config.turned <= 1, f"max-turned {config.turned:g} is no share: give 0 to 1"),
        (config.views < 1, f"views {config.views} are too few: give at least 1"),
        (config.size < 8, f"size {config.size} is too small for a view: give at least 8 pixels"),
        (workers is not None and workers < 1, f"{workers} workers do nothing: give at least 1"),
        (timeout is not None and not timeout > 0, f"timeout {timeout} is no time: give seconds above 0"),
        (config.sign not in SIGNS, f"sign {config.sign!r} is unknown: take one of {', '.join(SIGNS)}"),
        (
            config.normalize not in NORMALIZE,
            f"normalize {config.normalize!r} is unknown: take one of {', '.join(NORMALIZE)}",
        ),
        (not 0 <= config.both <= 1 or not 0 <= config.bad <= 1, "a share of what is seen is not between 0 and 1"),
        (backend not in BACKENDS, f"backend {backend!r} is unknown: take one of {', '.join(BACKENDS)}"),
    ):
        if wrong:
            raise InputError(f"{sentence}.")
    if backend in PACKAGES and importlib.util.find_spec(PACKAGES[backend]) is None:
        raise InputError(
            f"--backend {backend} needs the package {PACKAGES[backend]}: pip install 'isofield[{backend}]'."
        )
    for kind in config.samples:
        if kind not in SAMPLES:
            raise InputError(f"samples {kind!r} are unknown: take some of {', '.join(SAMPLES)}.")
