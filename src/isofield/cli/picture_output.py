"""What commands on a space of pictures write: pictures, codes.npz, report.csv."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import numpy as np

from isofield import api, render
from isofield.api import PictureResult, ShapeSpace
from isofield.api.pictures import drawn, held_out_pictures, picture_of
from isofield.cli import output, space_output
from isofield.cli.space_output import Inference, Row
from isofield.folder_format import CODES, REPORT
from isofield.render import planes
from isofield.types import ProgressCallback

SHEET = "pictures.png"
SHOWN, COLUMNS = 32, 8
"""Most pictures on the sheet, and in a row of it."""
HELD_OUT = 16
"""Most held-out pictures that the figures of a training are computed on."""
SIDE, TILE = 256, 128
"""Pixels along each side of a picture of a signed distance, and of a picture on the sheet."""


def inferred(space: ShapeSpace, of: Inference, report: ProgressCallback) -> Row:
    """Infers pictures, and writes ID.png, pictures.png, codes.npz and report.csv into a folder: the figures of the run.

    Ctrl-C ends with those that are done. Raises InputError where no picture can be read.
    """
    out, named = of.out, api.pictures_in(of.inputs, space, of.split)
    failed: list[Row] = []
    tiles: list[np.ndarray] = []

    def write(result: PictureResult) -> Row:
        tile, row = _written(space, result, out / f"{result.id}.png", of.resolution)
        tiles.extend([tile] if len(tiles) < SHOWN else [])
        return row

    stage = f"{len(named)} pictures"
    report(stage, 0.0)
    found = api.infer_pictures(space, space_output.readable(named, failed), of.device, of.by)
    results, rows, interrupted = space_output.collected(
        found, write, failed, lambda done: report(stage, done / len(named))
    )
    write_sheet(tiles, out / SHEET)
    api.write_codes(results, out / CODES)
    output.write_table([*rows, *({**dict.fromkeys(rows[0], ""), **row} for row in failed)], out / REPORT)
    each = [*rows, *failed]
    space_output.note_doubts(rows)
    return {
        "shapes": len(rows), **_means(rows), "failed": space_output.note_failed(each, "picture"), "each": each,
        "files": [str(out), *(str(out / name) for name in (SHEET, CODES, REPORT))],
        "interrupted": interrupted,
    }  # fmt: skip


def held_out(space: ShapeSpace, data: Path, split: Path) -> Row:
    """The number of held-out pictures of a split, and their mean figures; nothing where there are none."""
    rows = [_figures(result) for result in held_out_pictures(space, data, split, HELD_OUT)]
    return {"held_out": len(rows), **_means(rows)} if rows else {}


def new_pictures(
    space: ShapeSpace, codes: np.ndarray, out: Path, resolution: int | None, report: ProgressCallback
) -> tuple[list[np.ndarray], Row]:
    """Writes pictures 000.png, 001.png ... of codes (n, l), codes.npz (ids, codes) and report.csv into a folder.

    Returns the pictures and the figures of the run.
    """
    pictures: list[np.ndarray] = []
    rows: list[Row] = []
    for number, code in enumerate(codes):
        report("pictures", number / len(codes))
        nearest, distance = space.nearest(code, 1)[0]
        row: Row = {"id": f"{number:03d}", "error": "", "nearest": nearest, "distance": distance}
        pictures.append(drawn(picture_of(space, code, _size(space, resolution))))
        render.save(pictures[-1], out / f"{row['id']}.png")
        rows.append(row)
    space_output.write_new_codes(rows, codes, out)
    return pictures, {
        "shapes": len(rows), "failed": [], "each": rows,
        "files": [str(out), str(out / CODES), str(out / REPORT)],
    }  # fmt: skip


def write_sheet(pictures: Sequence[np.ndarray], path: Path) -> None:
    """Writes pictures (h, w, 3) side by side, in rows."""
    render.save(planes.mosaic(pictures, min(COLUMNS, len(pictures))), path)


def _size(space: ShapeSpace, resolution: int | None) -> int | None:
    """Pixels along each side: those of the training pictures for images, by default."""
    return SIDE if resolution is None and "image" not in space.kinds else resolution


def _written(space: ShapeSpace, result: PictureResult, path: Path, resolution: int | None) -> tuple[np.ndarray, Row]:
    """Writes the picture of a result: that of an image alone; a signed distance to the right of the true one.

    Returns its tile of the sheet, the true one above it, and its row of the report.
    """
    values = picture_of(space, result.code, _size(space, resolution))
    true, picture = result.observed.values, drawn(values)
    parts = [picture] if true is None else [drawn(planes.resampled(true, len(values))), picture]
    render.save(picture if "image" in space.kinds else planes.strip(*parts), path)
    tile = drawn(picture_of(space, result.code, TILE))
    if true is not None:
        tile = np.concatenate([drawn(planes.resampled(true, len(tile))), tile])
    note = {} if result.note is None else {"note": result.note}
    return tile, {"id": result.id, "error": "", **_figures(result), **note, "picture": str(path)}


def _figures(result: PictureResult) -> Row:
    """The seconds that a code took, and the errors of its picture where the true one is given."""
    row: Row = {"seconds": result.seconds}
    if result.squared is not None:
        row |= {"mse": result.squared, "l1": result.absolute}
        row |= {"wrong": result.wrong} if result.psnr is None else {"psnr": result.psnr}
    return row


def _means(rows: Sequence[Row]) -> Row:
    """The means of the columns of `_figures`."""
    means: Row = {name: fmean(row[name] for row in rows) for name in ("mse", "l1", "wrong", "psnr") if name in rows[0]}
    return {**means, "code_seconds": fmean(row["seconds"] for row in rows)}
