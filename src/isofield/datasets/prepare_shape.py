"""One shape: judged, sampled and written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isofield import render
from isofield.configs import PrepareConfig
from isofield.datasets.layout import Entry
from isofield.datasets.manifest import PICTURE, RECORD, Record, shape_folder
from isofield.datasets.precomputed import take, write_precomputed_views
from isofield.datasets.quality_gate import Gate, GateResult, faces_of, judge
from isofield.datasets.views import read_views, write_views
from isofield.errors import InputError
from isofield.files import atomic_write
from isofield.kdtree import KDTree, nearest
from isofield.render.pictures import CLAY
from isofield.sampling import training_samples
from isofield.sampling.measured import measured_distance
from isofield.sampling.unsigned_rows import unsigned_rows
from isofield.sampling.visibility import visibility_distance
from isofield.solids.signed_distance import closest_surface, signed_distance
from isofield.solids.triangles import Nearest, nearest_on
from isofield.types import IDENTITY, Cloud, Distance, Similarity, normalization

if TYPE_CHECKING:
    import trimesh

PIXELS = 160
"""Side of the two halves of the picture in the report."""
GUESSED = (196, 92, 74)
"""Colour of the surface that closes a fitted scan where it has no points."""
OUTSIDE, INSIDE = np.array([236.0, 238, 241]), np.array([70.0, 104, 140])
"""Colours of its section."""
HAZE = 0.03
"""Length over which the section of an unsigned cloud fades with the distance to the points."""
STRIDE = 4
"""Every fourth pixel in each direction decides which section is drawn."""
WALL = 0.005
"""Shapes with sheets are drawn thicker by this length."""
VISIBLE = 1e-3
"""Surface points are visible up to this distance from the points that the cameras see."""
SIGNED = ("signed", "levelset", "occupancy")
"""Kinds of samples that need an inside."""
SMALLEST = 6e-8
"""Smallest positive 16-bit number."""


def prepare_shape(entry: Entry, out: Path, config: PrepareConfig, gate: Gate) -> Record:
    """Judges one shape and writes its samples; the seed is that of the data set with the shape's id."""
    seed = seed_of(entry.id, config)
    judged, arrays = take(entry, config, seed) if entry.precomputed else (judge(str(entry.path), config, gate), {})
    distance = distance_of(judged, config) if judged.solids is not None else None
    missing = tuple(kind for kind in config.samples if kind not in arrays)
    if missing:
        arrays |= samples(judged, replace(config, samples=missing), seed, distance)
    judged = check_count(judged, arrays, config)
    if judged.outcome == "reject":
        arrays = {}
    similarity = judged.similarity or IDENTITY
    record = Record(
        entry.id, entry.label, str(entry.path), judged.outcome, judged.reason, judged.figures, similarity.center,
        similarity.scale, {}, fingerprint(entry), judged.notes,
    )  # fmt: skip

    def add_pictures(folder: Path) -> None:
        if judged.solids is None and judged.cloud is None:
            return
        draw(judged, arrays, distance, folder / PICTURE)
        if "views" in config.samples and judged.solids is not None:
            random = np.random.default_rng(seed)
            write_views(_mesh(judged), folder / "views", config.views, config.pixels, random)
        elif "views" in config.samples and judged.similarity is not None:
            write_precomputed_views(entry.precomputed["views"], folder / "views", judged.similarity)
        if "views" in config.samples:  # those of others from where they were: a damaged one is named
            np.save(folder / "views.npy", read_views(entry.precomputed.get("views", folder / "views")))

    return write_shape(out, record, arrays, config.half, add_pictures)


def seed_of(id_: str, config: PrepareConfig) -> list[int]:
    """The seed of one shape."""
    return [config.seed, int.from_bytes(hashlib.sha256(id_.encode()).digest()[:8], "little")]


def check_count(judged: GateResult, arrays: dict[str, np.ndarray], config: PrepareConfig) -> GateResult:
    """The judgement, repaired or rejected if samples are missing because their signs are uncertain (visibility, or a
    fitted scan)."""
    if judged.visible is None and judged.measured is None:
        return judged
    missing = config.count - min((len(rows) for kind, rows in arrays.items() if kind in SIGNED), default=config.count)
    figures = judged.figures | {"missing": missing}
    if missing == config.count:
        return GateResult("reject", "no sample has a certain sign", figures, notes=judged.notes)
    if not missing:
        return replace(judged, figures=figures)
    reason = "; ".join(filter(None, [judged.reason, f"{missing} samples are missing: their signs are uncertain"]))
    return replace(judged, outcome="repair", reason=reason, figures=figures)


def samples(
    judged: GateResult, config: PrepareConfig, seed: list[int], distance: Distance | None
) -> dict[str, np.ndarray]:
    """The arrays of every kind in `config.samples`, each with a random generator of its own; none for a rejected shape.

    distance: the signed distance of a shape with triangles.
    """
    if judged.solids is not None and distance is not None:
        solids, faces = judged.solids, faces_of(judged.solids)
        drawn = max(config.points, config.count) if "surface" in config.samples else config.points
        points, normals = training_samples.surface(solids.vertices, faces, drawn, np.random.default_rng([*seed, 0]))
        if judged.measured is not None:
            seen = judged.measured.at(points)[0]
            points, normals = points[seen], normals[seen]
        built = cache(lambda: nearest_on(solids.vertices[faces]))  # only some kinds use it
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
                rows = training_samples.unsigned(
                    closest,
                    points[: config.points],
                    config.count,
                    config.unsigned_neighbour,
                    config.unsigned_deviation,
                    random,
                )
            case "cloud":
                rows = training_samples.cloud(
                    points[: config.cloud_points], config.count, config.cloud_neighbour, config.queries, random
                )
            case "levelset":
                on = points[: config.count]
                if judged.visible is not None or judged.measured is not None:
                    on = on[np.abs(distance(on)) < VISIBLE]
                elif judged.solids is not None and len(judged.solids.sheet):
                    on = training_samples.zero_set(distance, on, normals[: config.count], config.thickness, random)
                free = training_samples.signed(
                    distance, points, config.count, config.levelset_variances, config.near, random
                )
                rows = training_samples.levelset(on, free, config.count, random) if len(free) else free
            case "occupancy":
                rows = training_samples.occupancy(distance, config.count, config.occupancy_padding, random)
            case "surface":
                rows = np.concatenate([points, normals], axis=1)[: config.count]
            case "views":
                continue  # pictures: `write_views`
        if config.half and kind not in ("cloud", "surface"):  # the values at the rounded points
            rows[:, :3] = rows[:, :3].astype(np.float16)
            rows = _recomputed(kind, rows, distance, closest)
        made[kind] = rows
    return made


def _of_cloud(cloud: Cloud, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, Distance, Nearest]:
    """Points in random order, their normals, no signed distance, and the nearest point of the cloud."""
    order = random.permutation(len(cloud.points))
    points = cloud.points[order]
    normals = np.zeros_like(points) if cloud.normals is None else cloud.normals[order]
    tree = KDTree(points)

    def distance(x: np.ndarray) -> np.ndarray:
        raise ValueError("a point cloud has no inside")

    return points, normals, distance, lambda x: points[nearest(tree, x)[1]]


def _recomputed(kind: str, rows: np.ndarray, distance: Distance, closest: Nearest) -> np.ndarray:
    """Samples of a kind with their values computed again at their points."""
    x = rows[:, :3]
    if kind in SIGNED:
        value = distance(x)
        if kind == "occupancy":
            return np.column_stack([x, np.where(np.isnan(value), rows[:, 3], value < 0)])
        value = np.where(np.isnan(value), rows[:, 3], value)
        if kind == "signed":
            return np.column_stack([x, value])
        return np.column_stack(
            [x, np.where(rows[:, 3] == 0, 0, np.copysign(np.maximum(np.abs(value), SMALLEST), value))]
        )
    return unsigned_rows(x, closest(x))


def fingerprint(entry: Entry) -> str:
    """Sizes and modification times of the source files, to notice changes."""
    try:
        stats = [path.stat() for path in [entry.path, *(p for p in entry.precomputed.values() if p != entry.path)]]
    except OSError:
        return ""
    return " ".join(f"{stat.st_size}-{stat.st_mtime_ns}" for stat in stats)


def write_shape(
    out: Path, record: Record, arrays: Mapping[str, np.ndarray], half: bool, add: Callable[[Path], None]
) -> Record:
    """Writes the folder of a shape: its arrays by kind, with 16-bit numbers where `half` is set, what `add` writes into
    it, and the record, which gets the arrays' hashes and is returned."""
    with atomic_write(shape_folder(out, record.id)) as folder:
        folder.mkdir()
        for kind, rows in arrays.items():
            np.save(folder / f"{kind}.npy", rows.astype(np.float16 if half else np.float32))
        add(folder)
        files = {kind: hashlib.sha256((folder / f"{kind}.npy").read_bytes()).hexdigest() for kind in arrays}
        record = replace(record, files=files)
        (folder / RECORD).write_text(json.dumps(asdict(record)) + "\n", encoding="utf-8")
    return record


def write_record(out: Path, record: Record) -> Record:
    """Writes the record of a shape without samples."""
    return write_shape(out, record, {}, False, lambda folder: None)


def rejected(entry: Entry, reason: str) -> Record:
    """The record of a rejected shape."""
    return Record(entry.id, entry.label, str(entry.path), "reject", reason)


def draw(judged: GateResult, arrays: dict[str, np.ndarray], distance: Distance | None, path: Path) -> None:
    """Draws the shape, or its points, beside the axis-aligned section through the middle with the largest inside.
    The section of points without an inside shows the distance to them; of precomputed samples, the sign of the nearest.
    """
    from PIL import Image

    shape = _mesh(judged) if judged.cloud is None else judged.cloud
    drawn = render.picture(shape, size=(PIXELS, PIXELS), colors=_colors(judged))
    frame = _frame(np.asarray(shape.points if isinstance(shape, Cloud) else shape.vertices))
    darkness = _darkness(judged, arrays, distance, frame)
    across = np.linspace(-1, 1, PIXELS)
    x, y = np.meshgrid(across, -across)
    plane = np.stack([x, y, np.zeros_like(x)], -1)
    coarse = plane[::STRIDE, ::STRIDE].reshape(-1, 3)
    most = max(range(3), key=lambda turn: darkness(np.roll(coarse, turn, axis=1)).sum())
    share = darkness(np.roll(plane.reshape(-1, 3), most, axis=1)).reshape(PIXELS, PIXELS, 1)
    colors = (OUTSIDE + share * (INSIDE - OUTSIDE)).astype(np.uint8)
    Image.fromarray(np.concatenate([drawn, colors], axis=1)).save(path)


def _frame(points: np.ndarray) -> Similarity:
    """The similarity to the frame of the picture: shapes in a common frame may be small and off-centre."""
    try:
        return normalization(points)
    except InputError:  # a single point has no extent
        return IDENTITY


def _darkness(
    judged: GateResult, arrays: dict[str, np.ndarray], distance: Distance | None, frame: Similarity
) -> Callable[[np.ndarray], np.ndarray]:
    """A function from points (n, 3) in the frame of the picture to darkness (n,) from 0 to 1."""
    if judged.solids is not None and distance is not None:
        sheets = judged.visible is None and len(judged.solids.sheet) > 0  # too thin to be seen
        wall = WALL / frame.scale if sheets else 0
        return lambda x: _inside(distance(frame.invert(x)), wall)
    assert judged.cloud is not None  # for the type checker
    kind = next((kind for kind in SIGNED if kind in arrays), None)
    if kind is None:
        tree = KDTree(judged.cloud.points)
        return lambda x: np.exp(-nearest(tree, frame.invert(x))[0] * frame.scale / HAZE)
    rows = arrays[kind]
    within = rows[:, 3] > 0.5 if kind == "occupancy" else rows[:, 3] < 0
    tree = KDTree(rows[:, :3])
    return lambda x: within[nearest(tree, frame.invert(x))[1]].astype(float)


def _inside(value: np.ndarray, wall: float) -> np.ndarray:
    """(n,) 1 where a distance is below `wall`, 0 beyond, 1/2 where it is not certain (NaN)."""
    return np.where(np.isnan(value), 0.5, value < wall)


def _colors(judged: GateResult) -> np.ndarray | None:
    """(n, 3) of the vertices of a fitted scan: those that were not measured differ; None for other shapes."""
    if judged.measured is None or judged.solids is None:
        return None
    return np.where(judged.measured.at(judged.solids.vertices)[0][:, None], CLAY, GUESSED)


def _mesh(judged: GateResult) -> trimesh.Trimesh:
    """The normalised shape."""
    import trimesh

    assert judged.solids is not None  # for the type checker
    return trimesh.Trimesh(judged.solids.vertices, faces_of(judged.solids), process=False)


def distance_of(judged: GateResult, config: PrepareConfig) -> Distance:
    """The signed distance (n,) of points (n, 3) to a shape with triangles, NaN where its sign is uncertain."""
    assert judged.solids is not None  # for the type checker: accepted shapes have triangles, or are point clouds
    if judged.measured is not None:
        return measured_distance(closest_surface(judged.solids, config.thickness), judged.measured)
    if judged.visible is not None:
        return visibility_distance(judged.visible, float(np.sqrt(max(config.variances))))
    return signed_distance(judged.solids, config.thickness, config.sign == "parity")
