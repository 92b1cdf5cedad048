"""The data of Occupancy Networks (Mescheder et al. 2019): class/model/ with points.npz, pointcloud.npz and pictures.

Both files hold the shape in a cube: the middle of its box is the origin, its longest side 1; `loc` and `scale` lead
back to the shape's own units.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np

from isofield.datasets import arrays
from isofield.datasets.layout import Entry, Layout, Precomputed
from isofield.datasets.layouts.shapenet import NAMES
from isofield.datasets.manifest import Record
from isofield.errors import InputError
from isofield.types import RADIUS, Similarity, normalization

FILES = {"occupancy": "points.npz", "surface": "pointcloud.npz"}
ARRAYS = {"occupancy": {"points.npy", "occupancies.npy"}, "surface": {"points.npy", "loc.npy", "scale.npy"}}
CAMERAS, PICTURES = "cameras.npz", "img_choy2016"
HALF_SIDE = 0.55
"""Half the side of the cube that their occupancy samples fill: the unit cube and a padding of 0.1 in all."""
SOURCE = "Occupancy Networks"


def find(folder: Path) -> Iterator[Entry]:
    """Every model of all classes, or of one class. Classes are named as in metadata.yaml (JSON), or as in ShapeNet."""
    models: list[Path] = []
    for depth in ("*/*", "*"):
        models = models or sorted({path.parent for name in FILES.values() for path in folder.glob(f"{depth}/{name}")})
    if not models or not _is_model(models[0]):
        return
    names = NAMES | _class_names(folder / "metadata.yaml")
    for model in models:
        samples = {kind: path for kind, name in FILES.items() if (path := model / name).is_file()}
        path, label = next(iter(samples.values())), model.resolve().parent.name
        views = [cameras.parent for cameras in sorted(model.glob(f"img*/{CAMERAS}"))]
        samples |= {"views": views[0]} if views else {}
        yield Entry(model.relative_to(folder).as_posix(), names.get(label, label), path, samples, read)


LAYOUT = Layout(find, "the folder of the data set, or one of its classes")


def _is_model(model: Path) -> bool:
    """Whether the files of a model contain the expected arrays; a file that cannot be opened may."""
    for kind, name in FILES.items():
        try:
            with ZipFile(model / name) as archive:
                if ARRAYS[kind] <= {*archive.namelist()}:
                    return True
        except FileNotFoundError:
            continue
        except (OSError, BadZipFile):
            return True
    return False


def _class_names(path: Path) -> dict[str, str]:
    """The first name of every class in the table of classes."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        return {number: row["name"].split(",")[0] for number, row in table.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def read(samples: Mapping[str, Path], kinds: Collection[str]) -> Precomputed:
    """The samples of one shape, moved from their cube into the unit ball: by the surface points where there are any,
    else so that the cube of side 1 fits. Raises InputError for damaged files."""
    parts: dict[str, tuple[np.ndarray, int, Similarity]] = {}
    for kind, reader in (("surface", read_pointcloud), ("occupancy", read_occupancy)):
        if kind in samples and (kind in kinds or not parts):
            parts[kind] = reader(samples[kind])
    rows, _, cube = next(iter(parts.values()))
    fit = Similarity((0.0, 0.0, 0.0), RADIUS / np.sqrt(0.75))
    ball = normalization(rows[:, :3]) if "surface" in parts else fit
    x, y, z = cube.invert(np.asarray(ball.center)).tolist()
    similarity = Similarity((x, y, z), cube.scale * ball.scale)
    for rows, _, own in parts.values():
        rows[:, :3] = similarity.apply(own.invert(rows[:, :3]))
    wanted = {kind: part for kind, part in parts.items() if kind in kinds}
    dropped = sum(number for _, number, _ in wanted.values())
    return Precomputed({kind: rows for kind, (rows, _, _) in wanted.items()}, dropped, similarity)


def read_occupancy(path: str | os.PathLike[str]) -> tuple[np.ndarray, int, Similarity]:
    """The samples (n, 4) of a points.npz file: x, y, z in the cube, and 1 inside or 0 outside; the number of rows
    dropped because they are not finite; and the similarity from the shape's units to the cube.

    Occupancies packed eight to a byte are unpacked. Raises InputError for a file of another kind.
    """
    path = Path(path)
    points, inside, loc, scale = arrays.load(path, ("points", "occupancies", "loc", "scale"), SOURCE)
    if inside.dtype == np.uint8 and inside.ndim == 1 and len(inside) == -(-len(points) // 8):
        inside = np.unpackbits(inside)[: len(points)]
    if points.ndim != 2 or points.shape[1] != 3 or inside.shape != points.shape[:1]:
        raise InputError(
            f"{path} holds no samples of {SOURCE} (points {points.shape}, occupancies {inside.shape}): copy it again."
        )
    rows, dropped = arrays.finite(np.column_stack([points.astype(np.float64), inside > 0.5]), path)
    return rows, dropped, _to_cube(loc, scale, path)


def read_pointcloud(path: str | os.PathLike[str]) -> tuple[np.ndarray, int, Similarity]:
    """Like `read_occupancy`, for a pointcloud.npz file: rows (n, 6) are surface points and unit normals; points with a
    zero normal are dropped as well."""
    path = Path(path)
    columns = arrays.load(path, ("points", "normals", "loc", "scale"), SOURCE)
    points, normals, loc, scale = (array.astype(np.float64) for array in columns)
    if points.ndim != 2 or points.shape[1] != 3 or normals.shape != points.shape:
        raise InputError(
            f"{path} holds no samples of {SOURCE} (points {points.shape}, normals {normals.shape}): copy it again."
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    rows, dropped = arrays.finite(np.concatenate([points, normals], axis=1), path)
    return rows, dropped, _to_cube(loc, scale, path)


def _to_cube(loc: np.ndarray, scale: np.ndarray, path: Path) -> Similarity:
    """Their p -> (p - loc) / scale."""
    similarity = arrays.similarity(loc, scale, path)
    return Similarity(similarity.center, 1 / similarity.scale)


def write_occupancy(occupancy: np.ndarray, surface: np.ndarray, record: Record, folder: str | os.PathLike[str]) -> Path:
    """Writes occupancy samples (n, 4) and surface samples (m, 6) of a shape: class/model/points.npz, with packed
    occupancies, and pointcloud.npz. Returns the folder of the model.

    The box is that of the surface samples. Only the occupancy samples inside their smaller cube are written. The class
    is the first folder of the shape's id, or "shapes".
    """
    label, _, name = record.id.partition("/") if "/" in record.id else ("shapes", "", record.id)
    model = Path(folder) / label / name.replace("/", "-")
    low, high = surface[:, :3].min(0).astype(np.float64), surface[:, :3].max(0).astype(np.float64)
    middle, side = (low + high) / 2, (high - low).max()
    cube = {"loc": record.center + middle / record.scale, "scale": np.array(side / record.scale)}
    points = ((occupancy[:, :3] - middle) / side).astype(np.float32)
    kept = (np.abs(points) <= HALF_SIDE).all(axis=1)
    inside = np.packbits(occupancy[kept, 3] > 0.5)
    arrays.save(model / FILES["occupancy"], {"points": points[kept], "occupancies": inside, **cube})
    on, normals = ((surface[:, :3] - middle) / side).astype(np.float32), surface[:, 3:].astype(np.float32)
    arrays.save(model / FILES["surface"], {"points": on, "normals": normals, **cube})
    return model


def write_views(views: str | os.PathLike[str], record: Record, model: str | os.PathLike[str]) -> Path:
    """Writes the prepared views of a shape (shapes/ID/views) into the folder of its model from `write_occupancy`:
    img_choy2016/NNN.jpg, and cameras.npz in the shape's own units. Returns the folder of the pictures.

    Raises InputError for views that are missing or damaged.
    """
    from PIL import Image

    views, folder = Path(views), Path(model) / PICTURES
    names, center = sorted(views.glob("*.png")) + sorted(views.glob("*.jpg")), np.asarray(record.center)
    needed = [f"{what}_mat_{number}" for number in range(len(names)) for what in ("camera", "world")]
    cameras = dict(zip(needed, arrays.load(views / CAMERAS, needed, f"{SOURCE}' views"), strict=True))
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        with Image.open(name) as image:
            image.convert("RGB").save(folder / f"{number:03d}.jpg", quality=95)
        world = np.array(cameras[f"world_mat_{number}"], np.float64)
        # y = (x - center) * scale; scaling all lengths of a camera by one factor does not change its picture.
        world[:, 3] = world[:, 3] / record.scale - world[:, :3] @ center
        cameras[f"world_mat_{number}"] = world
    np.savez(folder / CAMERAS, **cameras)  # type: ignore[arg-type]
    return folder
