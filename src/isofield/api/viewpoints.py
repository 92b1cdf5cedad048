"""Where the sensor stood, as the caller says: a viewpoint, or the direction that is up."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from isofield import io
from isofield.errors import InputError
from isofield.files import printable
from isofield.io.formats import numpy_files
from isofield.io.formats.raw import Damage, numbers
from isofield.io.poses import read_json
from isofield.types import Cloud

FAR = 1000.0
"""Distance of a sensor that is only known by its direction, in diagonals of the box of the points."""
DOUBTED, REFUSED, REFUSED_UP = 0.1, 0.25, 0.35
"""Beyond the first fraction of points behind others, positions of sensors cause a warning. Beyond the second, a
viewpoint of the caller is refused, and sensors of a file are not used. Beyond the third, a direction is refused:
terrain has 0.002, and closed shapes have from 0.39 on, as half of their points are on the far side."""
ALIKE = 0.5
"""Below this cosine, in the median, the sensors of a file are in another direction than `up`."""
AXES = {sign + "xyz"[axis]: (-1.0 if sign else 1.0) * np.eye(3)[axis] for sign in ("", "-") for axis in range(3)}
"""Directions by name."""


def read_viewpoint(text: str) -> np.ndarray:
    """The viewpoint of an option: 'X,Y,Z' as (3,), or a file (.txt .csv .npy .json) of rows of x y z as (k, 3).

    Raises `InputError` for anything else.
    """
    path = Path(text)
    if path.suffix.lower() not in (".txt", ".csv", ".npy", ".json"):
        return _vector(text, "--viewpoint", "give X,Y,Z in the units of the input, or a file")
    name = printable(path)
    if not path.is_file():
        raise InputError(f"there is no file {name} of viewpoints: check the spelling.")
    try:
        if path.suffix.lower() == ".json":
            table = np.array(read_json(path, "viewpoints"), np.float64)
        elif path.suffix.lower() == ".npy":
            table = numpy_files.parse_array(path.read_bytes()).astype(np.float64)
            table = table.reshape(-1, 3) if table.ndim == 3 and table.shape[2] == 3 else table  # (h, w, 3), of pixels
        else:
            table = numbers(path.read_bytes().replace(b",", b" ").replace(b";", b" ")).reshape(-1, 3)
    except (Damage, ValueError, TypeError):
        raise InputError(f"{name} holds no viewpoints: give a row of x y z for each point or scan.") from None
    finite = np.isfinite(table).all(-1)
    # of points that measured nothing, as a depth camera writes them
    if table.shape[-1:] != (3,) or table.ndim > 2 or not (finite | np.isnan(table).all(-1)).all() or not finite.any():
        raise InputError(f"{name} holds no viewpoints: give a row of x y z for each point or scan.")
    return table


def read_position(text: str, option: str) -> np.ndarray:
    """The position (3,) 'X,Y,Z' of an option. Raises `InputError` for anything else."""
    return _vector(text, option, "give X,Y,Z")


def read_up(text: str) -> np.ndarray:
    """The direction (3,) of an option: x, -x, y, -y, z, -z, or 'X,Y,Z'. Raises `InputError` for anything else."""
    return AXES[text] if text in AXES else _vector(text, "--up", "give z, -z, x, -x, y, -y, or X,Y,Z")


def with_viewpoint(
    cloud: Cloud,
    name: str,
    viewpoint: np.ndarray | Sequence[float] | str | os.PathLike[str] | None,
    up: np.ndarray | Sequence[float] | None,
    rows: np.ndarray | None = None,
) -> Cloud:
    """The cloud with the sensors that the caller gives, in place of its own.

    viewpoint: (3,), or (n, 3) for each point, or what `read_viewpoint` reads them from. up: (3,), a direction in which
    the sensor is far away. rows: (m,) bool, which points of the input the cloud has; then (m, 3) viewpoints are of
    those. Raises `InputError` for both, for other shapes, and where many points lie behind others as seen from there;
    warns where some do, and of an `up` that disagrees with the sensors of the file.
    """
    if viewpoint is None and up is None:
        return cloud
    if viewpoint is not None and up is not None:
        raise InputError("a viewpoint and the direction up exclude each other: give one of them.")
    points = cloud.points
    finite = points[np.isfinite(points).all(axis=1)]
    low, high = finite.min(axis=0), finite.max(axis=0)
    diagonal = float(np.linalg.norm(high - low))
    if up is not None:
        direction = np.asarray(up, np.float64)
        if direction.shape != (3,) or not np.isfinite(direction).all() or not direction.any():
            raise InputError(f"up is {direction.tolist()}: give a direction of three numbers, not all zero.")
        direction = direction / np.linalg.norm(direction)
        remedy = "let --up name the side that the sensor was on, and leave it out for a closed shape"
        if cloud.sensors is not None:
            rays = cloud.sensors - points
            if np.nanmedian(rays @ direction / np.maximum(np.linalg.norm(rays, axis=1), 1e-300)) < ALIKE:
                remedy = "leave --up out, as the file has its own sensors in another direction"
                warnings.warn(
                    f"{name}: the sensors of the file are in another direction than --up, which replaces them",
                    stacklevel=3,
                )
        sensors = np.tile((low + high) / 2 + FAR * diagonal * direction, (len(points), 1))
        what, most = "this direction", REFUSED_UP
    else:
        option = "--viewpoint"
        if isinstance(viewpoint, (str, os.PathLike)):
            option, viewpoint = printable(viewpoint), read_viewpoint(os.fspath(viewpoint))
        sensors, given = np.asarray(viewpoint, np.float64), len(points) if rows is None else len(rows)
        if rows is not None and sensors.shape == (given, 3):
            sensors = sensors[rows]
        if sensors.shape not in ((3,), (1, 3), points.shape) or not np.isfinite(sensors).all():
            raise InputError(
                f"{option} has {_rows(sensors)}, and {name} has {given} points: give one position, or a finite one "
                "for each point (with --merge, for each scan)."
            )
        sensors = np.broadcast_to(sensors, points.shape).copy()
        what, most = "the viewpoint", REFUSED
        remedy = "give the position of the sensor in the axes and units of the input"
    changed = replace(cloud, sensors=sensors)
    hidden = io.hidden_fraction(changed)
    behind = f"{name}: {100 * hidden:.0f} % of the points lie behind others as seen from {what}"
    if hidden > most:
        raise InputError(f"{behind}: {remedy}.")
    if hidden > DOUBTED:
        warnings.warn(f"{behind}: {remedy}", stacklevel=3)
    return changed


def check_sensors(cloud: Cloud, name: str) -> Cloud:
    """The cloud, without its sensors where many rays pass through the surface, and with a warning where some do: such
    sensors are in another frame than the points."""
    if cloud.sensors is None or (hidden := io.hidden_fraction(cloud)) <= DOUBTED:
        return cloud
    unused = "so that these positions are not used" if hidden > REFUSED else "which may be in another frame"
    warnings.warn(
        f"{name}: {100 * hidden:.0f} % of the points lie behind others as seen from their sensors, {unused}; "
        "--viewpoint gives their position",
        stacklevel=3,
    )
    return replace(cloud, sensors=None) if hidden > REFUSED else cloud


def _rows(positions: np.ndarray) -> str:
    """The size of positions, in words where they are rows of three."""
    return f"{len(positions)} rows" if positions.shape[1:] == (3,) else f"the shape {positions.shape}"


def _vector(text: str, option: str, remedy: str) -> np.ndarray:
    try:
        vector = np.array([float(part) for part in text.split(",")])
    except ValueError:
        vector = np.empty(0)
    if vector.shape != (3,) or not np.isfinite(vector).all():
        raise InputError(f"{option} cannot be '{text}': {remedy}.")
    return vector
