"""A space of shapes: its settings, its training, its codes, and how well it holds training shapes."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from isofield import api, render, training
from isofield.api import ShapeSamples, ShapeSpace
from isofield.api.inference import explained, loss
from isofield.api.pictures import drawn, picture_of
from isofield.datasets.manifest import MANIFEST
from isofield.errors import InputError
from isofield.folder_format import LOSSES
from isofield.render import Panel
from isofield.reports.of_data import view_in
from isofield.reports.parts import (
    PICTURES,
    ROWS,
    Curves,
    Dot,
    Facts,
    Gallery,
    Map,
    Options,
    Part,
    Picture,
    Pictures,
    Section,
    Table,
    Views,
    cut,
    flat,
    missing,
    named_file,
    panel,
    percent,
    picture,
    picture_in,
    text,
    views,
)  # fmt: skip
from isofield.rows import evenly
from isofield.types import Cloud

CELLS = 64
"""Cells along the longest side of the surface of a code."""
MEASURED = 32
"""Training shapes that are compared with their samples, evenly chosen."""
DOTS = 2000
"""Codes on the map, at most."""
SIDE = 128
"""Pixels along each side of the picture of a code."""
COMPONENTS = 5


@dataclass(frozen=True)
class Fit:
    """A training shape: its samples, if they are at hand, and how well the field of its code agrees with them."""

    id: str
    samples: ShapeSamples | None
    loss: float | None
    explained: float | None


def section(path: Path, space: ShapeSpace, options: Options, data: Path | None) -> Section:
    """A space. data: the prepared data set that it was trained with, by default the one that it names, where it is
    below the current folder or beside the run."""
    lines = training.read_log(path) if (path / training.LOG).is_file() else []
    data = data or _named_data(path, space)
    labels = Counter(shape.label or "none" for shape in space.shapes)
    lead = [("method", space.method), ("shapes", str(len(space.shapes))), ("length of a code", str(space.length))]
    if (file := path / "space.safetensors").is_file():
        lead.append(("megabytes", text(file.stat().st_size / 1e6)))
    lead += _timings(lines)
    plain = {name: value for name, value in space.provenance.items() if isinstance(value, (str, int, float))}
    facts = {LOSSES.get(name, name): value for name, value in plain.items()}
    few = ", ".join(f"{name} {count}" for name, count in labels.most_common(20))
    parts: list[Part] = [
        Facts("Training", [*flat(facts), ("classes", few)]),
        Facts("Settings of the method", flat(asdict(space.config)), folded=True),
        Facts("Settings of the samples", flat(asdict(space.prepare)), folded=True),
        *_curves(lines),
    ]
    apart, nearest = _neighbours(space)
    parts += _map(space)
    if space.of_pictures:
        parts.append(_pictures(space, options))
        return Section(path.name, "space of pictures", lead, parts)
    fits = _fits(path, space, data, options)
    parts += [_table(space, fits, apart, nearest), _gallery(path, space, fits, apart, nearest, options)]
    if data is not None and "views" in space.kinds:
        parts += _seen(space, fits, data, options)
    return Section(path.name, "space of shapes", lead, parts)


def unfinished(path: Path) -> Section:
    """A training that has a log, but no space yet. Raises InputError for a log that is damaged or empty."""
    lines = training.read_log(path)
    if not lines:
        raise InputError(f"{path} has an empty log: train longer, or give a smaller --training.log-every.")
    return Section(path.name, "training that is not finished", _timings(lines), _curves(lines))


def _timings(lines: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """How long a training took, out of its log."""
    if not lines:
        return []
    last = lines[-1]
    return [
        ("steps", text(last["step"])), ("minutes of training", text(last["seconds"] / 60)),
        ("milliseconds a step", text(1000 * last["seconds"] / max(last["step"], 1))),
        ("training loss", text(last["loss"])),
    ]  # fmt: skip


def _curves(lines: Sequence[Mapping[str, Any]]) -> list[Part]:
    return [Curves("Curves", [render.chart_svg(chart) for chart in training.curves(lines)])] if lines else []


def _named_data(path: Path, space: ShapeSpace) -> Path | None:
    """The prepared data set that a run names; None where it lies elsewhere."""
    name = space.provenance.get("data")
    if not isinstance(name, str):
        return None
    try:
        return named_file(f"{name}/{MANIFEST}", path).parent
    except InputError:
        return None


def _neighbours(space: ShapeSpace) -> tuple[np.ndarray, np.ndarray]:
    """(n,) distance from each training code to the nearest other one, and (n,) which it is."""
    if len(space.codes) < 2:
        return np.zeros(len(space.codes)), np.zeros(len(space.codes), int)
    apart = cdist(space.codes, space.codes)
    np.fill_diagonal(apart, np.inf)
    return apart.min(1), apart.argmin(1)


def _map(space: ShapeSpace) -> list[Part]:
    """The codes along their first two principal components."""
    if len(space.codes) < 3 or space.length < 2:
        return []
    pca = space.pca()
    place = (space.codes - space.mean) @ pca.axes[:2].T
    low, span = place.min(0), np.ptp(place, axis=0)
    place = (place - low) / np.where(span > 0, span, 1)
    groups = list(dict.fromkeys(shape.label or "none" for shape in space.shapes))
    rows = evenly(len(place), DOTS)
    dots = [
        Dot(x, y, space.shapes[k].id, groups.index(space.shapes[k].label or "none"))
        for k, x, y in zip(rows, place[rows, 0].tolist(), (1 - place[rows, 1]).tolist(), strict=True)
    ]
    power = pca.deviations**2
    shares = ", ".join(percent(share) for share in power[:COMPONENTS] / max(float(power.sum()), 1e-30))
    note = f"The training codes along their first two principal components. Shares of the variance: {shares}. "
    return [Map("Map of codes", note + cut("codes", len(rows), len(place)), dots, groups)]


def _fits(path: Path, space: ShapeSpace, data: Path | None, options: Options) -> list[Fit]:
    """Some training shapes, those first whose fields agree least with their samples."""
    rows = evenly(len(space.ids), MEASURED)
    ids = [space.ids[row] for row in rows]
    reads: dict[str, Callable[[], ShapeSamples]] = {}
    if data is not None:
        try:
            reads = dict(api.observed_in([data], space.prepare, kinds=space.kinds))
        except InputError as error:
            warnings.warn(f"the samples in {data} are left out: {error}", stacklevel=2)
    fits = []
    for number, id_ in enumerate(ids):
        options.report(f"{path.name}: training shapes", number / len(ids))
        samples = reads[id_]() if id_ in reads else None
        if samples is None:
            fits.append(Fit(id_, None, None, None))
            continue
        sdf = space.sdf(space.code(id_), samples.similarity)
        fits.append(Fit(id_, samples, loss(sdf, samples.shape), explained(sdf, samples)))
    return sorted(fits, key=lambda fit: -(fit.loss or 0.0))


def _table(space: ShapeSpace, fits: Sequence[Fit], apart: np.ndarray, nearest: np.ndarray) -> Part:
    """The training shapes that were looked at."""
    measured = any(fit.loss is not None for fit in fits)
    columns = ["shape", "class", *(["loss", "surface explained"] if measured else [])]
    columns += ["nearest other shape", "distance of codes"]
    lines = []
    for fit in fits[:ROWS]:
        row = space.ids.index(fit.id)
        share = "-" if fit.explained is None else percent(fit.explained)
        other = space.ids[nearest[row]] if len(space.ids) > 1 else None
        cells = [fit.id, text(space.shapes[row].label), *([text(fit.loss), share] if measured else [])]
        lines.append([*cells, text(other), text(float(apart[row]))])
    note = f"Distance between neighbouring codes: {text(space.neighbour_distance)} in the median. "
    if measured:
        note += (
            "Loss: the mean error of the field at held-out samples, clamped at 0.1, in the normalised space; surface "
            "explained: the share of the samples near the surface that the field is near, too. The worst come first. "
        )
    return Table(
        "Training shapes", columns, lines, note=note + cut("shapes", len(lines), len(space.ids), ", evenly chosen")
    )


def _gallery(
    path: Path, space: ShapeSpace, fits: Sequence[Fit], apart: np.ndarray, nearest: np.ndarray, options: Options
) -> Gallery:
    if all(fit.loss is None for fit in fits):  # no worst ones: from all over the space
        rows = evenly(len(fits), options.shapes)
        fits = [fits[row] for row in rows]
    found: list[Views] = []
    for number, fit in enumerate(fits[: options.shapes]):
        options.report(f"{path.name}: surfaces of codes", number / options.shapes)
        row = space.ids.index(fit.id)
        panels: list[Panel] = []
        if fit.samples is not None and len(fit.samples.surface):
            panels.append(panel(Cloud(fit.samples.surface), "samples on its surface", options.faces))
        panels.append(_surface(space, fit.id, "surface of its code", "", options.faces))
        if len(space.ids) > 1:
            other = space.ids[nearest[row]]
            words = f"{other}, at a distance of {text(float(apart[row]))}."
            panels.append(_surface(space, other, "nearest other training shape", words, options.faces))
        words = "" if fit.loss is None else f"loss {text(fit.loss)}"
        if (one := views(fit.id, panels, words)) is not None:
            found.append(one)
    note = "" if all(fit.loss is None for fit in fits) else "The worst come first. "
    return Gallery("Gallery", f"{note}All shapes are normalised. {cut('shapes', len(found), len(space.ids))}", found)


def _seen(space: ShapeSpace, fits: Sequence[Fit], data: Path, options: Options) -> list[Part]:
    """The first picture of the training shapes that are looked at."""
    found = [(fit.id, view_in(data, fit.id)) for fit in fits[: PICTURES * options.shapes]]
    rows = [picture_in(file, id_, text(space.shapes[space.ids.index(id_)].label)) for id_, file in found if file]
    note = "The first picture of each shape. " + cut("pictures", len(rows), len(space.ids))
    return [Pictures("Pictures of training shapes", note, rows)] if rows else []


def _surface(space: ShapeSpace, id_: str, caption: str, words: str, faces: int) -> Panel:
    try:
        return panel(space.sdf(space.code(id_)).mesh(CELLS), caption, faces, words)
    except InputError as error:
        return missing(caption, str(error))


def _pictures(space: ShapeSpace, options: Options) -> Part:
    """Pictures of training codes, evenly chosen."""
    rows = evenly(len(space.ids), PICTURES * options.shapes)
    shown = [
        Picture(picture(drawn(picture_of(space, space.codes[row], SIDE))), space.ids[row], space.shapes[row].label)
        for row in rows
    ]
    return Pictures("Pictures of training codes", cut("pictures", len(shown), len(space.ids), ", evenly chosen"), shown)
