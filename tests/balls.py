"""A prepared data set whose truth is known without work: balls of several radii and centres."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from isofield.configs import PrepareConfig
from isofield.datasets.manifest import FORMAT, MANIFEST, SETTINGS, SHAPES, Record, settings_of, write

RADII = np.linspace(0.35, 0.85, 6)


def rows_of(radius: float, count: int, seed: int = 0) -> np.ndarray:
    """(count, 4) float32: samples in random order, most of them near the surface of a ball."""
    random = np.random.default_rng([seed, round(1000 * radius)])
    around = random.normal(size=(count, 3))
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    x = around * (radius + random.normal(0, 0.08, (count, 1)))
    x[: count // 10] = random.uniform(-1, 1, (count // 10, 3))
    rows = np.concatenate([x, np.linalg.norm(x, axis=1, keepdims=True) - radius], axis=1)
    return random.permutation(rows).astype(np.float32)


def prepared(folder: Path, rows: dict[str, np.ndarray] | None = None, kind: str = "signed") -> Path:
    """The folder as `isofield prepare` writes it, of these rows by id, by default those of balls of `RADII`."""
    rows = rows or {f"ball_{k}": rows_of(radius, 4000) for k, radius in enumerate(RADII)}
    settings = settings_of(PrepareConfig(samples=(kind,), count=len(next(iter(rows.values())))), "meshes")
    assert settings["format"] == FORMAT
    for id_, some in rows.items():
        (folder / SHAPES / id_).mkdir(parents=True)
        np.save(folder / SHAPES / id_ / f"{kind}.npy", some)
    records = [Record(id_, "ball", f"{id_}.ply", "accept", "") for id_ in rows]
    write(folder / SETTINGS, settings)
    write(folder / MANIFEST, {"settings": settings, "shapes": [asdict(record) for record in records]})
    return folder
