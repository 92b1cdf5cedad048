"""Clouds of laser scanners: .las and .laz by laspy, .e57 by pye57, in the extra `lidar`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from isofield.io.formats.raw import Damage, Raw

NEEDS = {"las": "laspy", "laz": "laspy lazrs", "e57": "pye57"}
"""The extra packages that each format needs."""


def read(path: Path, extension: str) -> Raw:
    """Reads the file of a laser scanner; coordinates are scaled, the scans of an .e57 transformed. Raises `Damage`."""
    try:
        return _e57(path) if extension == "e57" else _las(path)
    except ImportError:
        raise Damage(
            f"needs packages that are not installed to be read as .{extension}",
            f"run 'pip install {NEEDS[extension]}', or convert it to .ply",
        ) from None
    except Damage:
        raise
    except Exception as problem:  # whatever the package raises for this file
        reason = " ".join(str(problem).split())[:120]
        raise Damage(f"cannot be read as .{extension}" + (f" ({reason})" if reason else "")) from None


def _las(path: Path) -> Raw:
    import laspy

    cloud = laspy.read(path)
    if cloud.header.are_points_compressed and not laspy.LazBackend.detect_available():
        raise ImportError("lazrs")
    points = np.asarray(cloud.xyz, np.float64)
    names = set(cloud.point_format.dimension_names)
    more = {name: np.asarray(cloud[name]) for name in ("intensity", "classification") if name in names}
    if "red" not in names:
        return Raw(points, attributes=more)
    colors = np.stack([np.asarray(cloud[name], np.uint16) for name in ("red", "green", "blue")], 1)
    # 16 bits a channel by the format, but many writers store 8
    return Raw(
        points, colors=(colors >> 8 if colors.max(initial=0) > 255 else colors).astype(np.uint8), attributes=more
    )


def _e57(path: Path) -> Raw:
    import pye57

    file = pye57.E57(str(path))
    points: list[np.ndarray] = []
    colors: list[np.ndarray] = []
    for index in range(file.scan_count):
        coloured = "colorRed" in file.get_header(index).point_fields
        scan = file.read_scan(index, colors=coloured, ignore_missing_fields=True)
        points.append(np.stack([np.asarray(scan[f"cartesian{axis}"], np.float64) for axis in "XYZ"], 1))
        if coloured:
            colors.append(np.stack([np.asarray(scan[f"color{name}"]) for name in ("Red", "Green", "Blue")], 1))
    if not points:
        raise Damage("holds no scans")
    together = np.concatenate(colors).astype(np.uint8) if len(colors) == len(points) else None
    return Raw(np.concatenate(points), colors=together)
