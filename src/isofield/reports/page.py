"""The page: which sections it has, and its text."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, Template

from isofield import __version__, api
from isofield.api import SDF, ShapeSpace
from isofield.api.loading import check_folder
from isofield.datasets.layout import is_prepared
from isofield.datasets.manifest import MANIFEST
from isofield.errors import InputError
from isofield.evaluate import shapes_in
from isofield.files import check_output, write_text
from isofield.folder_format import CONFIG, REPORT, resolve
from isofield.io.pictures import PICTURES
from isofield.render.linked_views import HELP, script
from isofield.reports import of_data, of_results, of_space, of_tables
from isofield.reports.of_scores import Near
from isofield.reports.parts import FACES, FEWEST, MOST, Options, Section
from isofield.training import LOG
from isofield.types import ProgressCallback

TABLES = (".json", ".csv")
REMEDY = "give files of shapes, or a folder that `isofield train`, `prepare`, `infer`, `sample` or `fit --field` wrote"
PANELS = 3
"""Shapes side by side in a gallery, mostly."""
SHAPES = 8
"""Shapes in 3D in each section, by default."""


def report(
    what: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    inputs: str | os.PathLike[str] | None = None,
    shapes: int = SHAPES,
    progress: ProgressCallback | None = None,
) -> Path:
    """Write one self-contained page (.html) with a section for each thing: settings, curves, tables, galleries.

    what: runs of `isofield train`, folders of `prepare`, `infer`, `sample` and `fit`, tables of `evaluate --csv` or
    --json (also with --novelty), `fit --json` and `benchmark`, and files of meshes or points. Together they say more:
    data show the samples beside the shapes of a run, novelty the nearest training shape beside each result. inputs: a
    folder with what the results were made of, shapes or pictures, matched by name. shapes: in 3D in each section, at
    most, the worst first. Meshes are decimated for display; the page says so. Raises InputError for what cannot be
    read, OutputError where the page cannot be written.
    """
    if not what:
        raise InputError("there is nothing to report: give a run, a data set or a table of scores.")
    if not 1 <= shapes <= 100:
        raise InputError(f"a section shows 1 to 100 shapes, not {shapes}.")
    check_output(out, ("html",))
    begun, paths = time.perf_counter(), [resolve(Path(one)) for one in what]
    faces = min(max(FACES // (PANELS * shapes * len(paths)), FEWEST), MOST)
    sources = {} if inputs is None else _sources(Path(inputs))
    options = Options(shapes, faces, sources, progress or (lambda stage, fraction: None))
    loaded = {path: _loaded(path) for path in paths}
    spaces = [one for one in loaded.values() if isinstance(one, ShapeSpace)]
    near = _novelty(paths, spaces)
    sections = [_section(path, loaded, options, spaces, near) for path in paths]
    text = _template().render(
        title=" · ".join(section.title for section in sections), sections=sections, help=HELP, script=script(),
        version=__version__, seconds=f"{time.perf_counter() - begun:.1f}", made=time.strftime("%Y-%m-%d"),
    )  # fmt: skip
    write_text(out, text)
    return Path(out)


def _sources(folder: Path) -> dict[str, Path]:
    """Files of shapes and pictures in a folder by their paths without extensions; of a folder of pictures, by its own
    name, the first. Raises InputError where there are none."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in PICTURES and path.is_file():
            inside = path.relative_to(folder)
            found[inside.with_suffix("").as_posix()] = path
            found.setdefault(inside.parent.as_posix() if len(inside.parts) > 1 else folder.resolve().name, path)
    try:
        return {**found, **shapes_in(folder)}
    except InputError:
        if not found:
            raise
        return found


def _loaded(path: Path) -> SDF | ShapeSpace | None:
    """The field or the space in a folder; None for anything else."""
    if not path.is_dir():
        return None
    if (path / CONFIG).is_file():
        return api.load(path)
    known = any((path / name).exists() for name in (MANIFEST, LOG, REPORT))
    if known or is_prepared(path):
        return None
    check_folder(path, REMEDY)
    return api.load(path)  # released code


def _novelty(paths: Sequence[Path], spaces: Sequence[ShapeSpace]) -> dict[str, Near]:
    """The nearest training shapes of predictions, out of the tables of novelty."""
    found: dict[str, Near] = {}
    for path in paths:
        if path.suffix.lower() in TABLES and path.is_file():
            for name, row in of_tables.novelty_in(of_tables.read_table(path)).items():
                nearest = str(row["nearest"])
                space = next((one for one in spaces if nearest in one.ids and not one.of_pictures), None)
                found[name] = Near(nearest, float(row["to_training"]), space)
    return found


def _section(
    path: Path, loaded: dict[Path, Any], options: Options, spaces: Sequence[ShapeSpace], near: dict[str, Near]
) -> Section:
    """The section of what a path holds."""
    found = loaded[path]
    data = next((one for one in loaded if (one / MANIFEST).is_file()), None)
    if isinstance(found, ShapeSpace):
        return of_space.section(path, found, options, data)
    if isinstance(found, SDF):
        return of_results.field(path, found, options)
    if path.is_dir():
        if (path / LOG).is_file():
            return of_space.unfinished(path)
        if (path / MANIFEST).is_file() or is_prepared(path):
            return of_data.section(path, options)
        return of_results.results(path, options, spaces)
    if path.suffix.lower() not in TABLES:
        return of_results.shape(path, options)
    try:
        return of_tables.section(path, options, near)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is damaged ({type(error).__name__}: {error}): write it again.") from None


@cache
def _template() -> Template:
    """The page; whatever is put into it is text, unless the template says that it is markup."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("page.html")
