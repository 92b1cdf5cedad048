"""The data of DeepSDF (Park et al. 2019): SdfSamples/dataset/class/id.npz, NormalizationParameters and SurfaceSamples.

SdfSamples hold `pos` and `neg`, each (n, 4): x, y, z and signed distance. NormalizationParameters hold `offset` and
`scale` of p -> (p + offset) * scale. SurfaceSamples are .ply files whose vertices are points of the surface, in the
shape's own units; their faces join any three points, and they have no normals.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np

from isofield import io
from isofield.datasets import arrays
from isofield.datasets.layout import Entry, Layout, Precomputed, files
from isofield.datasets.layouts.shapenet import NAMES
from isofield.datasets.manifest import Record
from isofield.errors import InputError
from isofield.types import IDENTITY, Similarity

SAMPLES, SURFACES, NORMALIZATION = "SdfSamples", "SurfaceSamples", "NormalizationParameters"


def find(folder: Path) -> Iterator[Entry]:
    """Every .npz file of SdfSamples, by dataset, class and id."""
    for path in files(folder / SAMPLES, (".npz",)) if (folder / SAMPLES).is_dir() else ():
        within = path.relative_to(folder / SAMPLES).with_suffix("")
        label = within.parts[-2] if len(within.parts) > 1 else ""
        surface = (folder / SURFACES / within).with_name(f"{within.name}.ply")
        samples = {"signed": path} | ({"surface": surface} if surface.is_file() else {})
        yield Entry(within.as_posix(), NAMES.get(label, label), path, samples, read)


LAYOUT = Layout(find, "the folder that holds SdfSamples")


def read(samples: Mapping[str, Path], kinds: Collection[str]) -> Precomputed:
    """The samples of one shape. Raises InputError for damaged files, and for surface samples whose position in the
    normalised space is unknown."""
    similarity = _normalization_of(samples["signed"])
    rows: dict[str, np.ndarray] = {}
    dropped = 0
    if "signed" in kinds:
        rows["signed"], dropped, _ = read_deepsdf(samples["signed"])
    if "surface" in kinds:
        path = samples["surface"]
        if similarity is None:
            raise InputError(f"{path} has no NormalizationParameters: copy these, too.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about faces, which are not used
            points = io.vertices_of(io.read(path))
        rows["surface"], more = arrays.finite(similarity.apply(points), path)
        dropped += more
    return Precomputed(rows, dropped, similarity or IDENTITY)


def read_deepsdf(path: str | os.PathLike[str]) -> tuple[np.ndarray, int, Similarity]:
    """The samples (n, 4) of one .npz file, outside ones first; the number of rows dropped because they hold a NaN, as
    in the release; and the similarity to its normalised space, the identity without NormalizationParameters.

    Raises InputError for a file of another kind. Nothing is unpickled.
    """
    path = Path(path)
    parts = [np.asarray(part, np.float32) for part in arrays.load(path, ("pos", "neg"), "DeepSDF")]
    if any(part.ndim != 2 or part.shape[1] != 4 for part in parts):
        raise InputError(f"{path} holds no samples of DeepSDF (pos and neg are not (n, 4)): copy or create it again.")
    rows, dropped = arrays.finite(np.concatenate(parts), path)
    return rows, dropped, _normalization_of(path) or IDENTITY


def _normalization_of(path: Path) -> Similarity | None:
    """The similarity in the file of the same path below NormalizationParameters, or None. Raises InputError where it is
    damaged."""
    parts = list(path.parts)
    if SAMPLES not in parts:
        return None
    at = len(parts) - 1 - parts[::-1].index(SAMPLES)
    other = Path(*parts[:at], NORMALIZATION, *parts[at + 1 :])
    if not other.is_file():
        return None
    offset, scale = arrays.load(other, ("offset", "scale"), "DeepSDF")
    return arrays.similarity(-offset, scale, other)


def write_deepsdf(rows: np.ndarray, record: Record, folder: str | os.PathLike[str], dataset: str = "isofield") -> Path:
    """Writes samples (n, 4) in the layout of the release: SdfSamples/dataset/ID.npz and its NormalizationParameters.
    Returns the path of the samples."""
    path = Path(folder) / SAMPLES / dataset / f"{record.id}.npz"
    outside = rows[:, 3] > 0
    rows = np.asarray(rows, np.float32)
    arrays.save(path, {"pos": rows[outside], "neg": rows[~outside]})
    offset, scale = -np.asarray(record.center, np.float32), np.array([record.scale], np.float32)
    arrays.save(Path(folder) / NORMALIZATION / dataset / f"{record.id}.npz", {"offset": offset, "scale": scale})
    return path
