"""Voxels of binvox (Min, 2004-2019, https://www.patrickmin.com/binvox): the boundary of the occupied ones."""

from __future__ import annotations

import numpy as np

from isofield.io.formats.raw import Damage, Raw, check_count

LONGEST = 10_000
"""Most bytes of a header."""
MOST = 512**3
"""Most voxels of a grid."""
LONGEST_RUN = 255


def parse(data: bytes) -> Raw:
    """The faces between occupied voxels and others, two triangles each, outward, in the units of the file's scale and
    translation. Raises `Damage`."""
    occupied, translate, scale = voxels(data)
    if not occupied.any():
        raise Damage("has no occupied voxel", "convert its mesh again")
    corners, faces = boundary(occupied)
    points = corners / max(occupied.shape) * scale + np.asarray(translate)
    return Raw(points, faces)


def voxels(data: bytes) -> tuple[np.ndarray, tuple[float, float, float], float]:
    """Whether voxels are occupied, (x, y, z) bool, and the translation and the scale of the grid, whose longest side is
    1 before. Raises `Damage`."""
    head, body = _header(data)
    try:
        shape = [int(word) for word in head["dim"]]
        x, y, z = (float(word) for word in head.get("translate", ["0"] * 3))
        (scale,) = (float(word) for word in head.get("scale", ["1"]))
    except (KeyError, ValueError):
        raise Damage("has a binvox header that is not complete (dim, translate, scale)") from None
    if len(shape) != 3 or min(shape) < 1 or not np.isfinite([x, y, z, scale]).all() or not scale > 0:
        raise Damage("has a binvox header whose dim, translate or scale makes no sense")
    count = shape[0] * shape[1] * shape[2]
    if count > MOST:
        raise Damage(f"has {' x '.join(map(str, shape))} voxels, more than 512 x 512 x 512", "run binvox with -d 512")
    check_count("voxels", count, 2 / LONGEST_RUN, len(body))
    runs = np.frombuffer(body[: len(body) // 2 * 2], np.uint8).reshape(-1, 2)
    total = int(runs[:, 1].sum(dtype=np.int64))
    if total != count or len(body) % 2:
        raise Damage(f"has runs of {total} voxels in all where its header promises {count}")
    if runs[:, 0].max() > 1:
        raise Damage("has voxels that are neither 0 nor 1")
    flat = np.repeat(runs[:, 0].astype(bool), runs[:, 1])
    return flat.reshape(shape[0], shape[2], shape[1]).transpose(0, 2, 1), (x, y, z), scale  # y is the fastest


def _header(data: bytes) -> tuple[dict[str, list[str]], bytes]:
    """The words of each line of the header by its first word, and the bytes after the line "data"."""
    head, at = dict[str, list[str]](), 0
    while True:
        end = data.find(b"\n", at, LONGEST)
        if end < 0:
            raise Damage("is cut short: its binvox header has no line 'data'")
        words = data[at:end].decode("latin-1").split()
        if at == 0 and words[:1] != ["#binvox"]:
            raise Damage("is not a BINVOX file (it does not begin with #binvox)")
        at = end + 1
        if words[:1] == ["data"]:
            return head, data[at:]
        if words:
            head[words[0]] = words[1:]


def boundary(occupied: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The faces between occupied voxels (x, y, z) and others, or the border of the grid: corners (n, 3) of voxels, in
    voxels, and triangles (m, 3), outward."""
    padded = np.pad(occupied, 1)
    quads: list[np.ndarray] = []
    for axis in range(3):
        across = [np.eye(3, dtype=np.int64)[(axis + 1) % 3], np.eye(3, dtype=np.int64)[(axis + 2) % 3]]
        first, second = across
        ring = np.array([np.zeros(3, np.int64), first, first + second, second])
        lower, upper = (
            padded[tuple(cut if k == axis else slice(None) for k in range(3))] for cut in (slice(-1), slice(1, None))
        )
        for wall, order in ((lower & ~upper, ring), (upper & ~lower, ring[::-1])):
            at = np.argwhere(wall) - 1
            at[:, axis] += 1
            quads.append(at[:, None] + order)
    every = np.concatenate(quads)
    shape = np.array(occupied.shape) + 1
    keys, corners = np.unique(np.ravel_multi_index(tuple(every.reshape(-1, 3).T), tuple(shape)), return_inverse=True)
    four = corners.reshape(-1, 4)
    return np.column_stack(np.unravel_index(keys, tuple(shape))), np.concatenate([four[:, :3], four[:, [0, 2, 3]]])
