"""Splits of a data set, in DeepSDF's form {dataset: {class: [ids]}} or as lists of ids; and selection by class."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import numpy as np

from isofield.datasets.layout import Entry
from isofield.datasets.manifest import Record
from isofield.errors import InputError, did_you_mean
from isofield.files import write_text

Named = TypeVar("Named", Entry, Record)
LISTS = (".txt", ".lst")
"""Extensions of lists with one id per line: Points2Surf's trainset.txt, Occupancy Networks' train.lst."""
FEW = 5000
"""With at most this many ids, one similar to a missing one is looked for, which takes a second."""


def read_split(path: str | os.PathLike[str], part: str | None = None) -> list[str]:
    """The ids of a split: a JSON list; {dataset: {class: [ids]}}, whose ids become dataset/class/id; or a text with one
    id per line (.txt, .lst), whose ids begin with the name of the list's folder. `chosen` ignores leading names that
    the shapes do not have. part: the name of one part, for splits of several as `make_split` makes them.

    Raises InputError for anything else.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no split {path}: check the spelling.")
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix.lower() in LISTS:
            return [f"{path.resolve().parent.name}/{line.strip()}" for line in text.splitlines() if line.strip()]
        table = json.loads(text)
        return list(_ids(table[part], ()) if isinstance(table, dict) and part in table else _ids(table, ()))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{path} is not a split ({error}): give JSON (a list of ids, {{dataset: {{class: [ids]}}}}) or lines."
        ) from None


def has_part(path: str | os.PathLike[str], part: str) -> bool:
    """Whether a JSON split has a part of this name. Raises InputError as `read_split` does."""
    read_split(path, part)
    return Path(path).suffix.lower() not in LISTS and part in json.loads(Path(path).read_text(encoding="utf-8"))


def _ids(table: Any, above: tuple[str, ...]) -> Iterable[str]:
    if isinstance(table, list):
        for id_ in table:
            if not isinstance(id_, str):
                raise TypeError(f"{id_!r} is not an id")
            yield "/".join([*above, id_])
    elif isinstance(table, dict) and len(above) < 2:
        for name, below in table.items():
            yield from _ids(below, (*above, name))
    else:
        raise TypeError("neither a list nor an object of lists")


def chosen(entries: Sequence[Named], ids: Sequence[str], name: str) -> list[Named]:
    """The shapes that a split names, in their own order; see `matching`."""
    selected = matching({entry.id for entry in entries}, ids, name)
    return [entry for entry in entries if entry.id in selected]


def matching(known: Collection[str], ids: Sequence[str], name: str) -> set[str]:
    """The shapes' ids (`known`) that a split names; leading names of its ids (dataset, class) are ignored where the
    shapes' ids do not have them. An id that is the folder of others names all of them: the crops of a picture. name: of
    the split, for errors.

    Raises InputError with all ids that no shape has, without such leading names.
    """
    selected: set[str] = set()
    missing: list[str] = []
    below: dict[str, list[str]] = {}
    for id_ in known:
        below.setdefault(id_.rpartition("/")[0], []).append(id_)
    for id_ in ids:
        parts = id_.split("/")
        ends = ["/".join(parts[start:]) for start in range(len(parts))]
        match = next(([end] for end in ends if end in known), None) or next(
            (below[e] for e in ends if e in below), None
        )
        if match is None:
            missing.append(id_)
        else:
            selected.update(match)
    if missing:
        tops = {id_.partition("/")[0] for id_ in known}
        depth = max((id_.count("/") for id_ in known), default=0)
        shown = [_without_list(id_, tops, depth) for id_ in missing]
        near = did_you_mean(shown[0], known) if len(known) < FEW else ""
        number = "an id" if len(shown) == 1 else f"{len(shown)} ids"
        raise InputError(f"{name} names {number} that no shape has: {', '.join(shown)}{near}.")
    return selected


def _without_list(id_: str, tops: set[str], depth: int) -> str:
    """An id with more than `depth` folders, without leading names that begin no other id, or that it begins with twice:
    a data set, a list's folder."""
    first, _, rest = id_.partition("/")
    while id_.count("/") > depth and (first not in tops or rest.startswith(f"{first}/")):
        first, _, rest = (id_ := rest).partition("/")
    return id_


def of_classes(entries: Sequence[Entry], classes: Sequence[str]) -> list[Entry]:
    """The shapes of these classes, given by name or by a folder in the ids of its shapes (ShapeNet's numbers).

    Raises InputError for a class that no shape has.
    """
    names_of = [{entry.label, *entry.id.split("/")[:-1]} - {""} for entry in entries]
    known: set[str] = set().union(*names_of)
    for name in classes:
        if name not in known:
            labels = sorted({entry.label for entry in entries} - {""})
            which = f"choose among {', '.join(labels)}" if labels else "the shapes have no classes"
            raise InputError(f"there is no class '{name}'{did_you_mean(name, known)}; {which}.")
    return [entry for entry, names in zip(entries, names_of, strict=True) if names & {*classes}]


def make_split(entries: Sequence[Entry], parts: dict[str, float], seed: int = 0) -> dict[str, dict[str, list[str]]]:
    """{part: {class: [ids]}}: every class is shuffled and divided by the shares of the parts; each part gets one shape
    at least of a class that has enough.

    Raises InputError for shares that are not positive or do not sum to 1.
    """
    if not parts or any(not share > 0 for share in parts.values()) or abs(sum(parts.values()) - 1) > 1e-6:
        given = ", ".join(f"{name} {share:g}" for name, share in parts.items())
        raise InputError(f"{given} cannot divide the shapes: give shares above 0 that sum to 1.")
    made: dict[str, dict[str, list[str]]] = {part: {} for part in parts}
    for label in sorted({entry.label for entry in entries}):
        ids = sorted(entry.id for entry in entries if entry.label == label)
        random = np.random.default_rng([seed, *label.encode()])
        ids = [ids[k] for k in random.permutation(len(ids))]
        ends = np.round(np.cumsum(list(parts.values())) * len(ids)).astype(int)
        if len(ids) >= len(parts):
            number = np.arange(1, len(parts) + 1)
            ends = np.maximum.accumulate(np.maximum(ends - number, 0)) + number
            ends = np.minimum(ends, len(ids) - number[-1] + number)
        for part, start, end in zip(parts, [0, *ends[:-1]], ends, strict=True):
            made[part][label] = sorted(ids[start:end])
    return made


def write_lists(folder: Path, parts: dict[str, dict[str, list[str]]]) -> None:
    """Writes a split of `make_split` as Occupancy Networks does: PART.lst in the folder of each id, an id per line
    without that folder."""
    for part, table in parts.items():
        below: dict[str, list[str]] = {}
        for id_ in sorted(id_ for ids in table.values() for id_ in ids):
            below.setdefault(str(PurePosixPath(id_).parent), []).append(PurePosixPath(id_).name)
        for parent, names in below.items():
            write_text(folder / parent / f"{part}.lst", "\n".join(names) + "\n")
