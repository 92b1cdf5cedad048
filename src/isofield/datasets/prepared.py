"""A prepared data set for training: each item is a slice of a memory-mapped file."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from isofield.configs.preparing import OF_PICTURES
from isofield.datasets.manifest import Record, read, shape_folder
from isofield.datasets.splits import chosen, read_split
from isofield.datasets.views import read_cameras, read_views
from isofield.errors import InputError, join_names

BESIDE = {"cameras": "views"}
"""What can be read beside a kind of samples."""


class Prepared:
    """The accepted and repaired shapes of a prepared folder, also as a data set of `torch.utils.data`.

    records: of the shapes, sorted by id. settings: of the preparation. `data[i]` is (count, columns) float32: a random
    slice of the shape's samples, a new one each time; `data.slice(i, start)` is the slice from a row on.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        kind: str = "signed",
        count: int = 16_384,
        ids: Sequence[str] | None = None,
        seed: int = 0,
    ) -> None:
        """kind: of samples. count: rows per slice. ids: the shapes to take, all by default. seed: of the slices.

        Raises InputError where the folder, the kind or an id does not exist.
        """
        self._folder = Path(folder)
        self.settings, records = read(self._folder)
        if count < 1:
            raise InputError(f"count must be at least 1, not {count}.")
        check_kinds(self._folder, self.settings["samples"], [kind])
        usable = {record.id: record for record in records if record.outcome != "reject"}
        if not usable:
            raise InputError(f"all shapes of {folder} were rejected: its report.csv says why.")
        missing = [id_ for id_ in ids or () if id_ not in usable]
        if missing:
            raise InputError(
                f"{folder} has no usable shapes called {', '.join(missing)}: its report.csv lists all, and why some "
                "were rejected."
            )
        self.records: list[Record] = [usable[id_] for id_ in ids] if ids is not None else list(usable.values())
        self._kind, self._count, self._random = kind, count, np.random.default_rng(seed)
        self._seed, self._worker = seed, None

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> np.ndarray:
        rows = self.rows(index)
        return self.slice(index, int(self._generator().integers(max(len(rows) - self._count, 0) + 1)))

    def slice(self, index: int, start: int) -> np.ndarray:
        """(count, columns) float32: the rows from `start` on."""
        return np.array(self.rows(index)[start : start + self._count], np.float32)

    def _generator(self) -> np.random.Generator:
        """The random generator; workers of a torch DataLoader have their own, a new one every epoch."""
        data = sys.modules.get("torch.utils.data")
        info = data.get_worker_info() if data is not None else None
        if info is not None and info.seed != self._worker:
            self._worker, self._random = info.seed, np.random.default_rng([self._seed, info.seed])
        return self._random

    def rows(self, index: int) -> np.ndarray:
        """All rows (n, columns) of a shape, memory-mapped; of views the pictures (v, 3, s, s) uint8
        (`datasets.views.read_views`), and of their cameras (v, 3, 4)."""
        id_ = self.records[index].id
        folder = shape_folder(self._folder, id_)
        if self._kind == "cameras":
            return read_cameras(folder / "views")
        if self._kind == "views" and not (folder / "views.npy").is_file():
            return read_views(folder / "views")
        return rows_of(self._folder, id_, self._kind)


def rows_of(folder: Path, id_: str, kind: str) -> np.ndarray:
    """The rows (n, k) of a shape of a prepared data set, memory-mapped. Raises InputError for a damaged file."""
    path = shape_folder(folder, id_) / f"{kind}.npy"
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error}): run the same `isofield prepare` again.") from None


def by_kind(
    folder: str | os.PathLike[str], kinds: Sequence[str], ids: Sequence[str] | None = None
) -> dict[str, Prepared]:
    """A prepared data set by kind of its samples. Raises InputError where the folder, some of the kinds or an id does
    not exist."""
    check_kinds(Path(folder), read(Path(folder))[0]["samples"], kinds)
    return {kind: Prepared(folder, kind, ids=ids) for kind in kinds}


def check_kinds(folder: Path, before: Sequence[str], kinds: Sequence[str]) -> None:
    """Raises InputError where a folder lacks some kinds of samples; it names them, and what to prepare. Open scans have
    signed samples only after a fit, so that what they had before is left out. before: the kinds in the folder."""
    needed = [BESIDE.get(kind, kind) for kind in kinds]
    missing = [*dict.fromkeys(kind for kind in needed if kind not in before)]
    if not missing:
        return
    kind, others, plane = " and ".join(map(repr, missing)), ", ".join(before), not {*missing}.isdisjoint(OF_PICTURES)
    crossed = plane != bool({*before} & {*OF_PICTURES})
    options = " ".join(dict.fromkeys([*(() if crossed or "signed" in missing else before), *needed]))
    if "signed" in missing:
        options += " (raw, open scans with --fit, too)"
    if plane:
        options = "image" if "image" in missing else "plane contour"
    if crossed:
        holds, are = ("shapes in space", "pictures") if plane else ("pictures", "shapes in space")
        raise InputError(
            f"{folder} holds samples of {holds} ({others}), and {kind} samples are of {are}: prepare "
            f"{'pictures' if plane else 'meshes or clouds'} with --samples {options} into another folder."
        )
    what = "the shapes"
    if plane:
        what = "pictures" if "image" in missing else "pictures of shapes, bright on dark,"
    raise InputError(
        f"{folder} has no {kind} samples, but {others}: prepare {what} with --samples {options} into another folder."
    )


def ids_of(folder: str | os.PathLike[str], split: str | os.PathLike[str], part: str) -> list[str]:
    """The ids of a prepared folder that a split names; part: of the split, if it has several. Rejected shapes are left
    out with a warning.

    Raises InputError for ids that do not exist, and where all shapes were rejected.
    """
    named = chosen(read(folder)[1], read_split(split, part), str(split))
    ids = [record.id for record in named if record.outcome != "reject"]
    rejected = [record.id for record in named if record.outcome == "reject"]
    if rejected and not ids:
        raise InputError(f"{folder}: all shapes that {split} names were rejected: its report.csv says why.")
    if rejected:
        warnings.warn(
            f"{folder}: {len(rejected)} of {len(named)} shapes that {split} names were rejected, and are left out: "
            f"{join_names(rejected, 5)}; its report.csv says why",
            stacklevel=2,
        )
    return ids
