"""PCD (Point Cloud Library), ascii, binary and compressed."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from isofield.io.formats.raw import SENSORS, Damage, Raw, check_count, numbers

KINDS = {"F": "f", "I": "i", "U": "u"}


def parse(data: bytes) -> Raw:
    """Parses a PCD file. Raises `Damage`.

    In an organised cloud (one with a height: a depth image) a point of NaN is a pixel without a measurement; these are
    left out with a warning. VIEWPOINT gives the position of the sensor, in the axes of the points, as PCL's estimation
    of normals takes it. The default (0 0 0 1 0 0 0) is that of an organised cloud, too; in any other cloud it means
    that the position is unknown. Fields with a position for each point, as PCL's vp_x, vp_y, vp_z, come before it.
    """
    head, body = _header(data)
    try:
        names = [name.lower() for name in head["FIELDS"]]
        sizes = [int(s) for s in head["SIZE"]]
        repeats = [int(c) for c in head.get("COUNT", ["1"] * len(names))]
        kinds = [np.dtype(f"<{KINDS[t]}{s}") for t, s in zip(head["TYPE"], sizes, strict=True)]
        height = int(head.get("HEIGHT", ["1"])[0])
        width = int(head["WIDTH"][0]) if "WIDTH" in head else int(head["POINTS"][0])
        count = int(head.get("POINTS", [str(width * height)])[0])
        coding = head["DATA"][0].lower()
        if len(repeats) != len(names) or len(kinds) != len(names) or min(repeats, default=0) < 1:
            raise ValueError
    except (KeyError, ValueError, IndexError, TypeError):
        raise Damage("has a PCD header that is not complete") from None
    viewpoint = _viewpoint(head.get("VIEWPOINT", []), organised=height > 1)
    size = sum(kind.itemsize * repeat for kind, repeat in zip(kinds, repeats, strict=True))
    if coding == "ascii":
        check_count("points", count, 2 * sum(repeats), len(body) + 1)
        fields = _ascii(body, names, repeats, count)
    elif coding in ("binary", "binary_compressed"):
        if coding == "binary_compressed":
            body = decompressed(body, size * count)
        check_count("points", count, size, len(body))
        fields = _fields(body, names, kinds, repeats, count, planar=coding != "binary")
    else:
        raise Damage(f"has data in the unknown encoding {coding[:20]!r}", "save it as ascii or binary")
    raw = _raw(fields)
    measured = np.isfinite(raw.points).all(axis=1)
    if height > 1 and not measured.all():
        warnings.warn(
            f"{np.count_nonzero(~measured)} of {len(measured)} pixels measured nothing and are left out", stacklevel=2
        )
        parts = (raw.normals, raw.colors, raw.sensors)
        normals, colors, sensors = (None if part is None else part[measured] for part in parts)
        raw = Raw(raw.points[measured], None, normals, colors, sensors=sensors, pixels=measured)
    if viewpoint is None or raw.sensors is not None:
        return raw
    return replace(raw, sensors=np.tile(viewpoint, (len(raw.points), 1)))


def _viewpoint(words: list[str], organised: bool) -> np.ndarray | None:
    """The position (3,) of the sensor from the words after VIEWPOINT; None where these are missing, or its default."""
    try:
        values = [float(word) for word in words]
    except ValueError:
        raise Damage("has a VIEWPOINT that is not seven numbers") from None
    if len(values) not in (0, 7) or not np.isfinite(values).all():
        raise Damage("has a VIEWPOINT that is not seven numbers")
    if not organised and (not values or values == [0, 0, 0, 1, 0, 0, 0]):
        return None
    return np.array(values[:3] or [0.0, 0.0, 0.0])


def _header(data: bytes) -> tuple[dict[str, list[str]], bytes]:
    """The words of each line of the header by its first word, and the bytes after the line DATA."""
    head: dict[str, list[str]] = {}
    at = 0
    while "DATA" not in head:
        end = data.find(b"\n", at, at + 100_000)
        if end < 0:
            raise Damage("is cut short: its PCD header has no DATA line")
        words = data[at:end].decode("utf-8", "replace").split()
        if words and not words[0].startswith("#"):
            head[words[0].upper()] = words[1:]
        at = end + 1
    return head, data[at:]


def _ascii(body: bytes, names: list[str], repeats: list[int], count: int) -> dict[str, np.ndarray]:
    values = numbers(body)
    width = sum(repeats)
    if len(values) < width * count:
        raise Damage(f"is cut short: its header promises {count} points, and {len(values) // width} follow")
    table = values[: width * count].reshape(count, width)
    starts = np.cumsum(repeats) - repeats
    return {name: table[:, start] for name, start in zip(names, starts, strict=True)}


def _fields(
    body: bytes, names: list[str], kinds: list, repeats: list[int], count: int, planar: bool
) -> dict[str, np.ndarray]:
    """The first value of each field of each point. planar: each field is contiguous (the compressed form)."""
    fields, at = {}, 0
    stride = sum(kind.itemsize * repeat for kind, repeat in zip(kinds, repeats, strict=True))
    for name, kind, repeat in zip(names, kinds, repeats, strict=True):
        size = kind.itemsize * repeat
        start, step = (at * count, size) if planar else (at, stride)
        fields[name] = np.ndarray((count,), kind, body, start, (step,)) if count else np.empty(0, kind)
        at += size
    return fields


def _raw(fields: dict[str, np.ndarray]) -> Raw:
    def table(*names: str) -> np.ndarray | None:
        return np.stack([fields[n] for n in names], axis=1) if all(n in fields for n in names) else None

    points = table("x", "y", "z")
    if points is None:
        raise Damage("has points without x, y and z", "save it with these fields")
    normals = table("normal_x", "normal_y", "normal_z")
    colors = None
    packed = fields.get("rgb", fields.get("rgba"))
    if packed is not None:
        # Three bytes packed into a number, which many writers declare as a float.
        if (packed.dtype.kind == "f" and packed.dtype.itemsize == 4) or (
            packed.dtype.kind == "f" and (np.abs(packed) < 1e-3).any()
        ):
            packed = packed.astype("<f4").view("<u4")
        packed = np.nan_to_num(packed).astype(np.int64)
        colors = np.stack([packed >> 16 & 255, packed >> 8 & 255, packed & 255], axis=1).astype(np.uint8)
    sensors = next((found for found in (table(*names.split()) for names in SENSORS) if found is not None), None)
    normals, sensors = (None if part is None else part.astype(np.float64) for part in (normals, sensors))
    return Raw(points.astype(np.float64), None, normals, colors, sensors=sensors)


def decompressed(body: bytes, size: int) -> bytes:
    """Decompresses LZF (Lehmann) as PCL stores it: two lengths of 32 bits, then literals and back references."""
    packed, full = (int.from_bytes(body[i : i + 4], "little") for i in (0, 4))
    if len(body) < 8 or packed > len(body) - 8:
        raise Damage(f"is cut short: its header promises {packed} compressed bytes, and {max(len(body) - 8, 0)} follow")
    if full != size or full > 300 * packed + 300:  # a back reference of three bytes gives at most 264
        raise Damage("has compressed data that do not fit its header")
    out = bytearray()
    at, end = 8, 8 + packed
    try:
        while at < end:
            control = body[at]
            at += 1
            if control < 32:
                out += body[at : at + control + 1]
                at += control + 1
                continue
            length = control >> 5
            if length == 7:
                length += body[at]
                at += 1
            start = len(out) - ((control & 31) << 8) - body[at] - 1
            at += 1
            length += 2
            if start < 0:
                raise IndexError
            while length > 0:  # a back reference may overlap its own output
                piece = out[start : start + length]
                out += piece
                start += len(piece)
                length -= len(piece)
    except IndexError:
        raise Damage("has compressed data that are damaged") from None
    if len(out) != full:
        raise Damage("has compressed data that are damaged")
    return bytes(out)
