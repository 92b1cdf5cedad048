"""Which shapes belong to which part of an experiment: DeepSDF's {dataset: {class: [ids]}}, plain lists, classes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from isofield.datasets.layout import Entry
from isofield.datasets.manifest import Record
from isofield.errors import InputError, did_you_mean

Named = TypeVar("Named", Entry, Record)
LISTS = (".txt", ".lst")
"""Extensions of lists with an id a line: Points2Surf's trainset.txt, Occupancy Networks' train.lst."""


def read_split(path: str | os.PathLike[str], part: str | None = None) -> list[str]:
    """The ids of a split: a JSON list, or {dataset: {class: [ids]}}, whose ids become class/id and dataset/class/id
    where the shapes are called so; or a text of an id a line (.txt, .lst), which lies in the folder of its shapes or of
    their class, so that its ids begin with that folder where the shapes' do. part: of several parts, as `make_split`
    makes them, this one alone. Raises InputError for anything else."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no split {path}: check the spelling.")
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix.lower() in LISTS:
            return [f"{path.resolve().parent.name}/{line.strip()}" for line in text.splitlines() if line.strip()]
        table = json.loads(text)
        return list(_ids(table[part], ()) if isinstance(table, dict) and part in table else _ids(table, ()))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{path} is no split ({error}): give a JSON list of ids, {{dataset: {{class: [ids]}}}}, or a .txt of lines."
        ) from None


def _ids(table: Any, above: tuple[str, ...]) -> Iterable[str]:
    if isinstance(table, list):
        for id_ in table:
            if not isinstance(id_, str):
                raise TypeError(f"{id_!r} is no id")
            yield "/".join([*above, id_])
    elif isinstance(table, dict) and len(above) < 2:
        for name, below in table.items():
            yield from _ids(below, (*above, name))
    else:
        raise TypeError("neither a list nor an object of lists")


def chosen(entries: Sequence[Named], ids: Sequence[str], name: str) -> list[Named]:
    """The shapes that a split names, in their own order. Dataset and class before an id may be missing in the shape's.

    Raises InputError with all ids that no shape has.
    """
    known = {entry.id for entry in entries}
    found: set[str] = set()
    missing: list[str] = []
    for id_ in ids:
        parts = id_.split("/")
        match = next((e for s in range(len(parts)) if (e := "/".join(parts[s:])) in known), None)
        if match is None:
            missing.append(id_)
        else:
            found.add(match)
    if missing:
        raise InputError(f"{name} names {len(missing)} ids that no shape has: {', '.join(missing)}.")
    return [entry for entry in entries if entry.id in found]


def of_classes(entries: Sequence[Entry], classes: Sequence[str]) -> list[Entry]:
    """The shapes of these classes; a class is called by its name, or as a folder in its shapes' ids is (ShapeNet's
    numbers). Raises InputError for one that no shape has."""
    called = [{entry.label, *entry.id.split("/")[:-1]} - {""} for entry in entries]
    known: set[str] = set().union(*called)
    for name in classes:
        if name not in known:
            labels = sorted({entry.label for entry in entries} - {""})
            which = f"choose among {', '.join(labels)}" if labels else "the shapes have none"
            raise InputError(f"there is no class '{name}'{did_you_mean(name, known)}; {which}.")
    return [entry for entry, names in zip(entries, called, strict=True) if names & {*classes}]


def make_split(entries: Sequence[Entry], parts: dict[str, float], seed: int = 0) -> dict[str, dict[str, list[str]]]:
    """{part: {class: [ids]}}: every class shuffled by itself and divided by these shares, which sum to 1.

    Raises InputError for shares that do not.
    """
    if not parts or any(not share > 0 for share in parts.values()) or abs(sum(parts.values()) - 1) > 1e-6:
        raise InputError("the parts' shares have to be above 0 and to sum to 1.")
    made: dict[str, dict[str, list[str]]] = {part: {} for part in parts}
    for label in sorted({entry.label for entry in entries}):
        ids = sorted(entry.id for entry in entries if entry.label == label)
        random = np.random.default_rng([seed, *label.encode()])
        ids = [ids[k] for k in random.permutation(len(ids))]
        ends = np.round(np.cumsum(list(parts.values())) * len(ids)).astype(int)
        for part, start, end in zip(parts, [0, *ends[:-1]], ends, strict=True):
            made[part][label] = sorted(ids[start:end])
    return made
