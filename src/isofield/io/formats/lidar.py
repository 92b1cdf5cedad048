"""Clouds of laser scanners: .las and .laz by laspy, .e57 by pye57, in the extra `lidar`."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from isofield.io.formats.raw import Damage, Raw
from isofield.io.free_space import hidden_fraction
from isofield.types import Cloud

NEEDS = {"las": "laspy", "laz": "laspy lazrs", "e57": "pye57"}
"""The extra packages that each format needs."""
ABOVE = 1000.0
"""Height of an aeroplane over its points, in diagonals of their box: its rays are vertical."""
TALL, HIDDEN = 0.5, 0.25
"""A scan whose height exceeds this fraction of its width is not from an aeroplane, nor is one where more than this
fraction of the points that it should see lie under others: terrain has up to 0.05; a flat ellipsoid of 10 000 points
has 0.29."""
LOOKED = 100_000
"""Points that are looked at for this."""


def read(path: Path, extension: str) -> Raw:
    """Reads the file of a laser scanner; coordinates are scaled, the scans of an .e57 transformed. Raises `Damage`.

    Sensors: the translation of each pose of an .e57 (a scan without one is warned of), and for .las and .laz a position
    far above the first returns, unless the points cannot be from an aeroplane.
    """
    try:
        return _e57(path) if extension == "e57" else _las(path)
    except ImportError:
        raise Damage(
            f"needs packages that are not installed to be read as .{extension}",
            f"run 'pip install {NEEDS[extension]}' (or 'pip install isofield[lidar]'), or convert it to .ply",
        ) from None
    except Damage:
        raise
    except Exception as problem:  # whatever the package raises for this file
        reason = " ".join(str(problem).split())[:120]
        reason = "" if "****" in reason else reason  # what libE57 prints, with lines of its source
        raise Damage(f"cannot be read as .{extension}" + (f" ({reason})" if reason else "")) from None


def _las(path: Path) -> Raw:
    import laspy

    cloud = laspy.read(path)
    if cloud.header.are_points_compressed and not laspy.LazBackend.detect_available():
        raise ImportError("lazrs")
    points = np.asarray(cloud.xyz, np.float64)
    names = set(cloud.point_format.dimension_names)
    more = {name: np.asarray(cloud[name]) for name in ("intensity", "classification") if name in names}
    sensors = _above(points, np.asarray(cloud["return_number"]) <= 1)
    if "red" not in names or not np.any(cloud["red"] | cloud["green"] | cloud["blue"]):  # black: none were measured
        return Raw(points, attributes=more, sensors=sensors)
    colors = np.stack([np.asarray(cloud[name], np.uint16) for name in ("red", "green", "blue")], 1)
    # 16 bits a channel by the format, but many writers store 8
    colors = (colors >> 8 if colors.max() > 255 else colors).astype(np.uint8)
    return Raw(points, colors=colors, attributes=more, sensors=sensors)


def _above(points: np.ndarray, first: np.ndarray) -> np.ndarray | None:
    """Sensors (n, 3) far above the middle of points (n, 3), NaN for those under the `first` (n,) returns of a pulse;
    None if the points are too tall to be seen from above, or cover each other."""
    finite = points[np.isfinite(points).all(axis=1)]
    if not len(finite):
        return None
    low, high = finite.min(axis=0), finite.max(axis=0)
    width, depth, height = high - low
    if height > TALL * max(width, depth):
        return None
    middle = (low + high) / 2 + [0, 0, ABOVE * float(np.linalg.norm(high - low))]
    sensors = np.where(first[:, None], middle, np.nan)
    every = slice(None, None, -(-len(points) // LOOKED))
    return None if hidden_fraction(Cloud(points[every], sensors=sensors[every])) > HIDDEN else sensors


def _e57(path: Path) -> Raw:
    import pye57

    file = pye57.E57(str(path))
    points: list[np.ndarray] = []
    colors: list[np.ndarray] = []
    sensors: list[np.ndarray] = []
    lost: list[int] = []
    for index in range(file.scan_count):
        header = file.get_header(index)
        coloured = "colorRed" in header.point_fields
        scan = file.read_scan(index, colors=coloured, ignore_missing_fields=True)
        points.append(np.stack([np.asarray(scan[f"cartesian{axis}"], np.float64) for axis in "XYZ"], 1))
        placed = header.has_pose()
        sensors.append(np.tile(header.translation if placed else np.full(3, np.nan), (len(points[-1]), 1)))
        lost += [] if placed else [index + 1]
        if coloured:
            colors.append(np.stack([np.asarray(scan[f"color{name}"]) for name in ("Red", "Green", "Blue")], 1))
    if not points:
        raise Damage("holds no scans")
    together = np.concatenate(colors).astype(np.uint8) if len(colors) == len(points) else None
    if lost:
        numbers = ", ".join(map(str, lost))
        which = f"scan {numbers} of {len(points)} has" if len(lost) == 1 else f"scans {numbers} of {len(points)} have"
        warnings.warn(
            f"{which} no pose, so the scanner's position is unknown there (--viewpoint gives it)",
            stacklevel=2,
        )
    known = np.concatenate(sensors)
    return Raw(np.concatenate(points), colors=together, sensors=known if len(lost) < len(points) else None)
