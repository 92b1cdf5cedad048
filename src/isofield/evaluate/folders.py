"""Two files, or two folders whose files are matched by name: pairs, scores, means, and failures."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median

from isofield import io
from isofield.errors import InputError
from isofield.evaluate.comparison import SAMPLES, SEED, Scores, compare
from isofield.evaluate.metrics import THRESHOLDS
from isofield.folder_format import CODES, REPORT, TIMING

TABLES = (CODES, REPORT, TIMING, "parameters.csv")
"""Tables that `isofield infer` and `isofield make` write beside meshes."""


@dataclass(frozen=True)
class Pair:
    """A prediction and its truth. name: the path below both folders, without the extension."""

    name: str
    pred: Path
    truth: Path


@dataclass(frozen=True)
class Result:
    """The scores of a pair (keys of `evaluate.metrics`), or the reason why it has none; where a protocol counts what
    has no result as the worst, both."""

    pair: Pair
    scores: Scores | None
    problem: str = ""


@dataclass(frozen=True)
class Results:
    """All pairs, sorted by name, and one sentence for each file without a partner (`missing`)."""

    results: list[Result]
    missing: list[str] = field(default_factory=list)

    @property
    def failed(self) -> list[Result]:
        """The pairs that could not be scored."""
        return [result for result in self.results if result.scores is None]

    @property
    def problems(self) -> list[str]:
        """What is wrong with pairs, a sentence each."""
        return [result.problem for result in self.results if result.problem]

    @property
    def scored(self) -> list[tuple[Pair, Scores]]:
        """The pairs that have scores."""
        return [(result.pair, result.scores) for result in self.results if result.scores is not None]

    @property
    def complete(self) -> bool:
        """Whether every file had its partner and every pair its scores."""
        return not self.missing and not self.problems

    def mean(self) -> Scores:
        """{key: mean} over the pairs that have the number; for yes or no, the share of yes. Empty without pairs."""
        return self._over_pairs(fmean)

    def median(self) -> Scores:
        """{key: median} over the pairs that have the number; None for yes or no. Empty without pairs."""
        return self._over_pairs(lambda values: None if isinstance(values[0], bool) else median(values))

    def _over_pairs(self, figure: Callable[[list[float]], float | None]) -> Scores:
        found: Scores = {}
        rows = [scores for _, scores in self.scored]
        for key in rows[0] if rows else ():
            values = [value for row in rows if isinstance(value := row[key], (bool, int, float))]
            if any(isinstance(row[key], str) for row in rows) or key in (SAMPLES, SEED):
                continue
            found[key] = figure(values) if values else None
        return found


def named(
    pred: str | os.PathLike[str], truth: str | os.PathLike[str], ids: Collection[str] | None = None
) -> tuple[dict[str, Path], dict[str, Path]]:
    """The files of predictions and of truths, by name: of two files, or of two folders (`shapes_in`).

    ids: the names to take of folders, by default all. Two files are partners whatever their names. Raises InputError
    where one is a file and the other a folder, and as `shapes_in` does.
    """
    pred, truth = Path(pred), Path(truth)
    if not pred.is_dir() and not truth.is_dir():
        return {pred.stem: pred}, {pred.stem: truth}
    if pred.is_dir() != truth.is_dir():
        folder, file = (pred, truth) if pred.is_dir() else (truth, pred)
        if not file.exists():
            raise InputError(f"There is no folder {file}: check the spelling.")
        raise InputError(f"{folder} is a folder, but {file} is not one; give two files, or two folders.")
    predictions, truths = (
        {name: path for name, path in shapes_in(folder).items() if ids is None or name in ids}
        for folder in (pred, truth)
    )
    return predictions, truths


def pairs(
    pred: str | os.PathLike[str], truth: str | os.PathLike[str], ids: Collection[str] | None = None
) -> tuple[list[Pair], list[str]]:
    """The pairs of two files, or of two folders, and one sentence for each file without a partner.

    Files with the same path below the two folders are partners, whatever their extensions; hidden files and files that
    `io.read` cannot read are skipped. ids: the names to take of folders, by default all. Raises InputError where one is
    a file and the other a folder, a folder has no shape, or two files of one folder have the same name.
    """
    predictions, truths = named(pred, truth, ids)
    missing = [f"{predictions[name]} has no partner in {truth}." for name in sorted(predictions.keys() - truths.keys())]
    missing += [f"{truths[name]} has no partner in {pred}." for name in sorted(truths.keys() - predictions.keys())]
    return [Pair(name, predictions[name], truths[name]) for name in sorted(predictions.keys() & truths.keys())], missing


def shapes_in(folder: Path) -> dict[str, Path]:
    """The files of shapes below a folder, by their paths without extensions.

    Hidden files, the tables in `TABLES` and files that `io.read` cannot read are skipped. Raises InputError where there
    is no shape, or two have the same name.
    """
    shapes: dict[str, Path] = {}
    extensions = {*io.readable_extensions()}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in inside.parts)
        if hidden or path.suffix.lower() not in extensions or path.name in TABLES or not path.is_file():
            continue
        name = inside.with_suffix("").as_posix()
        if name in shapes:
            raise InputError(f"{shapes[name]} and {path} have the same name; leave one of them in the folder.")
        shapes[name] = path
    if not shapes:
        raise InputError(f"{folder} is without shapes; give a folder with files such as .ply or .obj.")
    return shapes


def compare_pair(
    pair: Pair,
    *,
    samples: int = 100_000,
    seed: int = 0,
    floor: bool = True,
    thresholds: tuple[float, ...] = THRESHOLDS,
) -> Result:
    """Reads and scores a pair with `compare`; a pair that cannot be read or scored is a Result with its problem."""
    names = (str(pair.pred), str(pair.truth))
    try:
        pred, truth = io.read(pair.pred), io.read(pair.truth)
        return Result(
            pair, compare(pred, truth, samples=samples, seed=seed, floor=floor, thresholds=thresholds, names=names)
        )
    except InputError as problem:
        return Result(pair, None, str(problem))
