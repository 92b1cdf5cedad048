"""Shapes whose samples others have made: DeepSDF's release, Occupancy Networks' data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isofield.configs import PrepareConfig
from isofield.datasets.deepsdf_io import load, normalization_of, read_deepsdf, read_surface
from isofield.datasets.layouts.entry import Entry
from isofield.datasets.layouts.occupancy import CAMERAS
from isofield.datasets.onet_io import read_occupancy, read_pointcloud
from isofield.datasets.quality_gate import GateResult
from isofield.errors import InputError
from isofield.points import normalization
from isofield.sampling import training_samples
from isofield.types import RADIUS, Cloud, Similarity

NEEDS = {
    "signed": ("signed",), "occupancy": ("occupancy",), "surface": ("surface",), "views": ("views",),
    "levelset": ("surface", "signed"), "unsigned": ("surface",), "cloud": ("surface",),
}  # fmt: skip
"""What has to be there for each kind of samples: the last two take points of the surface for a cloud."""
PICTURES = (".jpg", ".jpeg", ".png")
SHOWN = 20_000
"""Samples near the surface of which a picture is made."""


@dataclass(frozen=True)
class Given:
    """What lies in the files of one shape.

    rows: (n, k) of each kind, normalised, as our own samples have them; a surface may have no normals. lost: how many
    were left out. similarity: the way there from the shape's own units.
    """

    rows: dict[str, np.ndarray]
    lost: int
    similarity: Similarity


def take(entry: Entry, config: PrepareConfig, seed: list[int]) -> tuple[GateResult, dict[str, np.ndarray]]:
    """What becomes of a shape with samples of its own: all of them, shuffled, whatever count says. Kinds that are drawn
    about the points of its surface are left to who draws about a cloud: that of the judgement."""
    needed = [name for kind in config.samples for name in NEEDS[kind] if name not in entry.made]
    able = [kind for kind, names in NEEDS.items() if entry.made.keys() >= {*names}]
    if needed:
        what = " and ".join(dict.fromkeys(needed))
        return GateResult("reject", f"it has no {what} samples: ask for --samples {' '.join(able)}", {}), {}
    wanted = {name for kind in config.samples for name in NEEDS[kind]}
    try:
        given = (_deepsdf if "signed" in entry.made else _occupancy)(entry.made, wanted)
    except InputError as error:
        return GateResult("reject", str(error), {}), {}
    random = np.random.default_rng(seed)
    rows = {kind: rows[random.permutation(len(rows))] for kind, rows in given.rows.items()}
    figures: dict[str, float] = {"samples": max(map(len, rows.values()), default=0), "dropped": given.lost}
    if "signed" in rows:
        figures["inside"] = round(float((rows["signed"][:, 3] < 0).mean()), 4)
    elif "occupancy" in rows:
        figures["inside"] = round(float(rows["occupancy"][:, 3].mean()), 4)
    reason = f"{given.lost} samples that are not finite are left out" if given.lost else ""
    judged = GateResult("repair" if given.lost else "accept", reason, figures, None, given.similarity, _cloud(rows))
    if "levelset" in config.samples:
        count = min(config.count, 2 * len(rows["surface"]))
        rows["levelset"] = training_samples.levelset(rows["surface"][:, :3], rows["signed"], count, random)
    return judged, {kind: rows[kind] for kind in config.samples if kind in rows}


def _cloud(rows: Mapping[str, np.ndarray]) -> Cloud | None:
    """Points of the surface, or, where there are none, the samples nearest to it or inside of it, for the picture."""
    if "surface" in rows:
        points = rows["surface"]
        return Cloud(points[:, :3], points[:, 3:] if points.shape[1] == 6 else None)
    if "signed" in rows:
        return Cloud(rows["signed"][np.argsort(np.abs(rows["signed"][:, 3]))[:SHOWN], :3])
    if "occupancy" in rows and rows["occupancy"][:, 3].any():
        return Cloud(rows["occupancy"][rows["occupancy"][:, 3] > 0, :3])
    return None


def _deepsdf(made: Mapping[str, Path], wanted: set[str]) -> Given:
    """Of DeepSDF's release. Raises InputError for what is damaged, and for a surface that nothing places."""
    similarity = normalization_of(made["signed"])
    rows: dict[str, np.ndarray] = {}
    lost = 0
    if "signed" in wanted:
        rows["signed"], lost, _ = read_deepsdf(made["signed"])
    if "surface" in wanted:
        if similarity is None:
            raise InputError(f"{made['surface']} has no NormalizationParameters beside it: copy these, too.")
        rows["surface"], some = read_surface(made["surface"], similarity)
        lost += some
    return Given(rows, lost, similarity or Similarity((0.0, 0.0, 0.0), 1.0))


def _occupancy(made: Mapping[str, Path], wanted: set[str]) -> Given:
    """Of Occupancy Networks' data, moved from their cube into our ball: by the points of the surface where they are
    there, else so that the cube of side 1 fits."""
    found: dict[str, tuple[np.ndarray, int, Similarity]] = {}
    for kind, read in (("surface", read_pointcloud), ("occupancy", read_occupancy)):
        if kind in made and (kind in wanted or not found):
            found[kind] = read(made[kind])
    rows, _, cube = next(iter(found.values()))
    half = RADIUS / np.sqrt(0.75)
    ball = normalization(rows[:, :3]) if "surface" in found else Similarity((0.0, 0.0, 0.0), half)
    x, y, z = cube.invert(np.asarray(ball.center)).tolist()
    similarity = Similarity((x, y, z), cube.scale * ball.scale)
    for rows, _, own in found.values():
        rows[:, :3] = similarity.apply(own.invert(rows[:, :3]))
    kept = {kind: part for kind, part in found.items() if kind in wanted}
    lost = sum(some for _, some, _ in kept.values())
    return Given({kind: part for kind, (part, _, _) in kept.items()}, lost, similarity)


def write_given_views(folder: Path, out: Path, similarity: Similarity) -> None:
    """Pictures that others made, as they are, with their cameras moved to the normalised shape: camera_mat_i (3, 3),
    and world_mat_i (3, 4) from the world, whose units are the shape's own, to the camera.

    Raises InputError where pictures or cameras are missing or damaged.
    """
    pictures = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    if not pictures:
        raise InputError(f"{folder} holds no pictures ({' '.join(PICTURES)}): copy it again.")
    names = [f"{what}_mat_{number}" for number in range(len(pictures)) for what in ("camera", "world")]
    arrays = dict(zip(names, load(folder / CAMERAS, names, "Occupancy Networks' views"), strict=True))
    out.mkdir()
    poses: dict[str, list[list[float]]] = {}
    for number, picture in enumerate(pictures):
        (out / picture.name).write_bytes(picture.read_bytes())
        world = np.eye(4)
        world[:3] = arrays[f"world_mat_{number}"]
        # x = y / scale + center; a camera whose lengths are all scaled alike sees the same picture.
        world[:3, 3] = similarity.scale * (world[:3, :3] @ similarity.center + world[:3, 3])
        arrays[f"world_mat_{number}"] = world[:3].copy()
        poses[picture.stem] = np.linalg.inv(world).tolist()
    table = {"K": arrays["camera_mat_0"].tolist(), "poses": poses}
    (out / "camera.json").write_text(json.dumps(table) + "\n", encoding="utf-8")
    np.savez(out / CAMERAS, **arrays)  # type: ignore[arg-type]
