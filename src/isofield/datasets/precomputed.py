"""Shapes that come with samples: those samples are taken as they are, in place of new ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from isofield.configs import PrepareConfig
from isofield.datasets import arrays
from isofield.datasets.layout import Entry
from isofield.datasets.quality_gate import GateResult
from isofield.errors import InputError
from isofield.io.pictures import PICTURES
from isofield.sampling import training_samples
from isofield.types import Cloud, Similarity

NEEDS = {
    "signed": ("signed",), "occupancy": ("occupancy",), "surface": ("surface",), "views": ("views",),
    "levelset": ("surface", "signed"), "unsigned": ("surface",), "cloud": ("surface",),
}  # fmt: skip
"""Precomputed samples that each kind needs; unsigned and cloud take the surface samples as a cloud."""
CAMERAS = "cameras.npz"
"""File of the cameras beside precomputed pictures, as in Occupancy Networks."""
DRAWN = 20_000
"""Number of samples near the surface in the picture of the report."""


def take(entry: Entry, config: PrepareConfig, seed: list[int]) -> tuple[GateResult, dict[str, np.ndarray]]:
    """The judgement and all precomputed samples of a shape, shuffled, whatever `config.count` is. Kinds that are drawn
    from a cloud (unsigned, cloud) are missing: they are made from the cloud of the judgement."""
    missing = [name for kind in config.samples for name in NEEDS[kind] if name not in entry.precomputed]
    if missing:
        available = [kind for kind, names in NEEDS.items() if entry.precomputed.keys() >= {*names}]
        what = f"{' and '.join(dict.fromkeys(missing))} samples"
        what += f" (pictures with their {CAMERAS})" if "views" in missing else ""
        return GateResult("reject", f"it has no {what}: use --samples {' '.join(available)}", {}), {}
    assert entry.read is not None  # for the type checker: Entry sees to it
    try:
        samples = entry.read(entry.precomputed, {name for kind in config.samples for name in NEEDS[kind]})
    except InputError as error:
        return GateResult("reject", str(error), {}), {}
    random, dropped = np.random.default_rng(seed), samples.dropped
    rows = {kind: rows[random.permutation(len(rows))] for kind, rows in samples.rows.items()}
    figures: dict[str, float] = {"samples": max(map(len, rows.values()), default=0), "dropped": dropped}
    if "signed" in rows:
        figures["inside"] = round(float((rows["signed"][:, 3] < 0).mean()), 4)
    elif "occupancy" in rows:
        figures["inside"] = round(float(rows["occupancy"][:, 3].mean()), 4)
    reason = f"{dropped} samples that are not finite are left out" if dropped else ""
    judged = GateResult("repair" if dropped else "accept", reason, figures, None, samples.similarity, _cloud(rows))
    if "levelset" in config.samples:
        count = min(config.count, 2 * len(rows["surface"]))
        rows["levelset"] = training_samples.levelset(rows["surface"][:, :3], rows["signed"], count, random)
    return judged, {kind: rows[kind] for kind in config.samples if kind in rows}


def _cloud(rows: Mapping[str, np.ndarray]) -> Cloud | None:
    """The surface samples; without any, for the picture, the samples nearest to the surface or inside the shape."""
    if "surface" in rows:
        points = rows["surface"]
        return Cloud(points[:, :3], points[:, 3:] if points.shape[1] == 6 else None)
    if "signed" in rows:
        return Cloud(rows["signed"][np.argsort(np.abs(rows["signed"][:, 3]))[:DRAWN], :3])
    if "occupancy" in rows and rows["occupancy"][:, 3].any():
        return Cloud(rows["occupancy"][rows["occupancy"][:, 3] > 0, :3])
    return None


def write_precomputed_views(folder: Path, out: Path, similarity: Similarity) -> None:
    """Copies the pictures of a folder, and writes their cameras for the normalised shape: camera_mat_i (3, 3), and
    world_mat_i (3, 4) from the world, in the shape's own units, to the camera.

    Raises InputError where pictures or cameras are missing or damaged.
    """
    pictures = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    if not pictures:
        raise InputError(f"{folder} holds no pictures ({' '.join(PICTURES)}): copy it again.")
    names = [f"{what}_mat_{number}" for number in range(len(pictures)) for what in ("camera", "world")]
    cameras = dict(zip(names, arrays.load(folder / CAMERAS, names, "Occupancy Networks' views"), strict=True))
    out.mkdir()
    poses: dict[str, list[list[float]]] = {}
    for number, picture in enumerate(pictures):
        (out / picture.name).write_bytes(picture.read_bytes())
        world = np.eye(4)
        world[:3] = cameras[f"world_mat_{number}"]
        # x = y / scale + center; scaling all lengths of a camera by one factor does not change its picture.
        world[:3, 3] = similarity.scale * (world[:3, :3] @ similarity.center + world[:3, 3])
        cameras[f"world_mat_{number}"] = world[:3].copy()
        poses[picture.stem] = np.linalg.inv(world).tolist()
    table = {"K": cameras["camera_mat_0"].tolist(), "poses": poses}
    (out / "camera.json").write_text(json.dumps(table) + "\n", encoding="utf-8")
    np.savez(out / CAMERAS, **cameras)  # type: ignore[arg-type]
