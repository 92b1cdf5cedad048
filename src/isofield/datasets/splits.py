"""Which shapes belong to which part of an experiment: DeepSDF's {dataset: {class: [ids]}}, or plain lists of ids."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isofield.datasets.layouts.entry import Entry
from isofield.errors import InputError


def read_split(path: str | os.PathLike[str]) -> list[str]:
    """The ids of a split: a JSON list, or {dataset: {class: [ids]}}, whose ids become class/id and dataset/class/id
    where the shapes are called so. Raises InputError for anything else."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no split {path}: check the spelling.")
    try:
        return list(_ids(json.loads(path.read_text(encoding="utf-8")), ()))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{path} is no split ({error}): give a JSON list of ids, or {{dataset: {{class: [ids]}}}}."
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


def chosen(entries: Sequence[Entry], ids: Sequence[str], name: str) -> list[Entry]:
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
