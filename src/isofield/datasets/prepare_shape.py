"""One shape: judged, sampled and written, in a process of its own (`datasets.isolation`)."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from isofield import render
from isofield.configs import PrepareConfig
from isofield.datasets.isolation import alone
from isofield.datasets.layout import Entry
from isofield.datasets.manifest import RECORD, SHAPES, Record
from isofield.datasets.normalization import UNITS
from isofield.datasets.precomputed import take, write_precomputed_views
from isofield.datasets.quality_gate import GateResult, faces_of, judge
from isofield.datasets.sign import distance_of
from isofield.datasets.views import write_views
from isofield.errors import InputError, OutputError
from isofield.files import atomic_write
from isofield.kdtree import nearest
from isofield.points import normalization
from isofield.sampling import training_samples
from isofield.solids.triangles import Nearest, nearest_on
from isofield.types import Cloud, Distance, Similarity

if TYPE_CHECKING:
    import trimesh

PICTURE = "picture.png"
SIZE = 160
"""Pixels of a picture of the report."""
LIGHT, DARK, HAZE = np.array([236.0, 238, 241]), np.array([70.0, 104, 140]), 0.03
"""Its colours outside and inside; how far from points without an inside the plane is dark."""
COARSE, WALL = 4, 0.005
"""Every how many-th pixel decides which plane is drawn; how much wider than they are shapes with sheets are drawn."""
VISIBLE = 1e-3
"""Points of the surface are visible where their distance to what is seen is smaller."""
SIDED = ("signed", "levelset", "occupancy")
"""Kinds of samples that know what is inside."""
TINY = 6e-8
"""The least number that 16 bits tell from zero."""


def place(out: Path, id_: str) -> Path:
    """The folder of one shape."""
    return out / SHAPES / id_


def guarded(entry: Entry, out: Path, config: PrepareConfig, timeout: float | None) -> Record:
    """`prepare_shape` in a process of its own: a crash or a timeout becomes a rejected shape, not the end of the run.

    Raises `OutputError` where nothing can be written, and KeyboardInterrupt, without a record, once the run has ended.
    """
    status = alone(_quietly, (entry, out, config), timeout)
    if status is None:
        return write_record(out, _rejected(entry, f"took longer than {timeout:g} seconds"))
    if status == FULL:
        raise OutputError(f"{out} cannot be written: make room, or choose another folder.")
    path = place(out, entry.id) / RECORD
    if status != 0 or not path.is_file():
        return write_record(out, _rejected(entry, f"crashed its process (exit status {status})"))
    return Record(**json.loads(path.read_text(encoding="utf-8")))


FULL = 74
"""Exit status of a process that could not write (EX_IOERR)."""


def _quietly(entry: Entry, out: Path, config: PrepareConfig) -> None:
    try:
        prepare_shape(entry, out, config)
    except (OSError, OutputError):
        os._exit(FULL)
    except MemoryError:
        write_record(out, _rejected(entry, "too large for this machine's memory"))
    except InputError as error:
        write_record(out, _rejected(entry, str(error)))
    except Exception as error:  # a defect in one shape's work is no reason to leave the others undone
        write_record(out, _rejected(entry, f"failed ({type(error).__name__}: {error})"[:300]))


def prepare_shape(entry: Entry, out: Path, config: PrepareConfig) -> Record:
    """Judges one shape and writes its samples; the record. The seed is the data set's with the shape's id."""
    seed = seed_of(entry.id, config)
    judged, arrays = take(entry, config, seed) if entry.precomputed else (judge(str(entry.path), config), {})
    distance = distance_of(judged, config) if judged.solids is not None else None
    missing = tuple(kind for kind in config.samples if kind not in arrays)
    arrays |= samples(judged, replace(config, samples=missing), seed, distance)
    judged = short(judged, arrays, config)
    if judged.outcome == "reject":
        arrays = {}
    with atomic_write(place(out, entry.id)) as beside:
        beside.mkdir()
        for kind, rows in arrays.items():
            np.save(beside / f"{kind}.npy", rows.astype(np.float16 if config.half else np.float32))
        if judged.solids is not None or judged.cloud is not None:
            draw(judged, arrays, distance, beside / PICTURE)
            if "views" in config.samples and judged.solids is not None:
                write_views(_mesh(judged), beside / "views", config.views, config.size)
            elif "views" in config.samples and judged.similarity is not None:
                write_precomputed_views(entry.precomputed["views"], beside / "views", judged.similarity)
        files = {kind: hashlib.sha256((beside / f"{kind}.npy").read_bytes()).hexdigest() for kind in arrays}
        similarity = judged.similarity
        record = Record(
            entry.id, entry.label, str(entry.path), judged.outcome, judged.reason, judged.figures,
            similarity.center if similarity else (0.0, 0.0, 0.0), similarity.scale if similarity else 1.0, files,
            stamp(entry),
        )  # fmt: skip
        (beside / RECORD).write_text(json.dumps(asdict(record)) + "\n", encoding="utf-8")
    return record


def seed_of(id_: str, config: PrepareConfig) -> list[int]:
    """The seed of one shape."""
    return [config.seed, int.from_bytes(hashlib.sha256(id_.encode()).digest()[:8], "little")]


def short(judged: GateResult, arrays: dict[str, np.ndarray], config: PrepareConfig) -> GateResult:
    """The judgement, once it is known how many samples are certain of their side."""
    if judged.seen is None:
        return judged
    missing = config.count - min((len(rows) for kind, rows in arrays.items() if kind in SIDED), default=config.count)
    figures = judged.figures | {"missing": missing}
    if missing == config.count:
        return GateResult("reject", "no sample is certain of its side", figures)
    if not missing:
        return replace(judged, figures=figures)
    told = f"{missing} samples are missing, whose side is not certain"
    return replace(judged, outcome="repair", reason="; ".join(filter(None, [judged.reason, told])), figures=figures)


def samples(
    judged: GateResult, config: PrepareConfig, seed: list[int], distance: Distance | None
) -> dict[str, np.ndarray]:
    """The arrays of every kind that was asked for, each with a generator of its own; none of a rejected shape.

    distance: signed, of triangles.
    """
    if judged.solids is not None and distance is not None:
        solids, faces = judged.solids, faces_of(judged.solids)
        drawn = max(config.points, config.count) if "surface" in config.samples else config.points
        points, normals = training_samples.surface(solids.vertices, faces, drawn, np.random.default_rng([*seed, 0]))
        built = cache(lambda: nearest_on(solids.vertices[faces]))  # only some kinds ask
        closest: Nearest = lambda x: built()(x)  # noqa: E731
    elif judged.cloud is not None:
        points, normals, distance, closest = _of_cloud(judged.cloud, np.random.default_rng([*seed, 0]))
    else:
        return {}
    made: dict[str, np.ndarray] = {}
    for kind in config.samples:
        random = np.random.default_rng([*seed, 1, *kind.encode()])
        match kind:
            case "signed":
                rows = training_samples.signed(distance, points, config.count, config.variances, config.near, random)
            case "unsigned":
                rows = training_samples.unsigned(closest, points, config.count, config.neighbour, config.wide, random)
            case "cloud":
                rows = training_samples.cloud(points[:20_000], config.count, config.pull, random)
            case "levelset":
                on = points[: config.count]
                if judged.seen is not None:
                    on = on[np.abs(distance(on)) < VISIBLE]
                elif judged.solids is not None and len(judged.solids.sheet):
                    on = training_samples.zero_set(distance, on, normals[: config.count], config.thickness, random)
                free = training_samples.signed(
                    distance, points, config.count, config.level_variances, config.near, random
                )
                rows = training_samples.levelset(on, free, config.count, random) if len(free) else free
            case "occupancy":
                rows = training_samples.occupancy(distance, config.count, config.padding, random)
            case "surface":
                rows = np.concatenate([points, normals], axis=1)[: config.count]
            case "views":
                continue  # pictures, not rows: `write_views`
        if config.half and kind not in ("cloud", "surface"):  # what is known is known of the rounded places
            rows[:, :3] = rows[:, :3].astype(np.float16)
            rows = _known_again(kind, rows, distance, closest)
        made[kind] = rows
    return made


def _of_cloud(cloud: Cloud, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, Distance, Nearest]:
    """Points in random order, their normals, no signed distance, and the point of the cloud that is nearest."""
    order = random.permutation(len(cloud.points))
    points = cloud.points[order]
    normals = np.zeros_like(points) if cloud.normals is None else cloud.normals[order]
    tree = cKDTree(points)

    def distance(x: np.ndarray) -> np.ndarray:
        raise ValueError("points have no inside")

    return points, normals, distance, lambda x: points[nearest(tree, x)[1]]


def _known_again(kind: str, rows: np.ndarray, distance: Distance, closest: Nearest) -> np.ndarray:
    """Samples of a kind with what is known at their places, asked again."""
    x = rows[:, :3]
    if kind in SIDED:
        value = distance(x)
        if kind == "occupancy":
            return np.column_stack([x, np.where(np.isnan(value), rows[:, 3], value < 0)])
        value = np.where(np.isnan(value), rows[:, 3], value)
        if kind == "signed":
            return np.column_stack([x, value])
        return np.column_stack([x, np.where(rows[:, 3] == 0, 0, np.copysign(np.maximum(np.abs(value), TINY), value))])
    away = x - closest(x)
    length = np.linalg.norm(away, axis=1, keepdims=True)
    return np.concatenate([x, length, away / np.maximum(length, 1e-12)], axis=1)


def stamp(entry: Entry) -> str:
    """By this it is known that files are those that were prepared: their sizes and when they were written."""
    try:
        known = [path.stat() for path in [entry.path, *(p for p in entry.precomputed.values() if p != entry.path)]]
    except OSError:
        return ""
    return " ".join(f"{one.st_size}-{one.st_mtime_ns}" for one in known)


def write_record(out: Path, record: Record) -> Record:
    """The record of a shape without samples, written."""
    with atomic_write(place(out, record.id)) as beside:
        beside.mkdir()
        (beside / RECORD).write_text(json.dumps(asdict(record)) + "\n", encoding="utf-8")
    return record


def _rejected(entry: Entry, reason: str) -> Record:
    return Record(entry.id, entry.label, str(entry.path), "reject", reason)


def draw(judged: GateResult, arrays: dict[str, np.ndarray], distance: Distance | None, path: Path) -> None:
    """A picture of the shape, or of its points, beside the plane through the middle, across an axis, with most inside.
    Of points without an inside the plane shows how near they are; of samples that others made, which sign is nearest.
    """
    from PIL import Image

    shape = _mesh(judged) if judged.cloud is None else judged.cloud
    drawn = render.picture(shape, size=(SIZE, SIZE))
    frame = _frame(np.asarray(shape.points if isinstance(shape, Cloud) else shape.vertices))
    darkness = _darkness(judged, arrays, distance, frame)
    across = np.linspace(-1, 1, SIZE)
    x, y = np.meshgrid(across, -across)
    plane = np.stack([x, y, np.zeros_like(x)], -1)
    coarse = plane[::COARSE, ::COARSE].reshape(-1, 3)
    most = max(range(3), key=lambda turn: darkness(np.roll(coarse, turn, axis=1)).sum())
    share = darkness(np.roll(plane.reshape(-1, 3), most, axis=1)).reshape(SIZE, SIZE, 1)
    colors = (LIGHT + share * (DARK - LIGHT)).astype(np.uint8)
    Image.fromarray(np.concatenate([drawn, colors], axis=1)).save(path)


def _frame(points: np.ndarray) -> Similarity:
    """The way from the normalised space into the frame of a picture: a data set normalised as one has small shapes
    far from the middle."""
    try:
        return normalization(points)
    except InputError:  # one sample inside is no extent
        return UNITS


def _darkness(
    judged: GateResult, arrays: dict[str, np.ndarray], distance: Distance | None, frame: Similarity
) -> Callable[[np.ndarray], np.ndarray]:
    """Places (n, 3) in a frame to how dark they are drawn, (n,) in 0 to 1."""
    if judged.solids is not None and distance is not None:
        sheets = judged.seen is None and len(judged.solids.sheet) > 0  # whose walls could not be seen
        return lambda x: (distance(frame.invert(x)) < (WALL / frame.scale if sheets else 0)).astype(float)
    assert judged.cloud is not None  # for the type checker
    sided = next((kind for kind in SIDED if kind in arrays), None)
    if sided is None:
        tree = cKDTree(judged.cloud.points)
        return lambda x: np.exp(-nearest(tree, frame.invert(x))[0] * frame.scale / HAZE)
    rows = arrays[sided]
    within = rows[:, 3] > 0.5 if sided == "occupancy" else rows[:, 3] < 0
    tree = cKDTree(rows[:, :3])
    return lambda x: within[nearest(tree, frame.invert(x))[1]].astype(float)


def _mesh(judged: GateResult) -> trimesh.Trimesh:
    """The shape, normalised."""
    import trimesh

    assert judged.solids is not None  # for the type checker
    return trimesh.Trimesh(judged.solids.vertices, faces_of(judged.solids), process=False)
