"""glTF 2.0, as .glb and .gltf: trimesh reads the scene, after its lengths and indices have been checked."""

from __future__ import annotations

import base64
import binascii
import json
import struct
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from isofield.files import inside
from isofield.io.formats.raw import Damage, Raw
from isofield.io.formats.scene import load

SIZES = {5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
PACKED = ("KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_meshopt_compression")


def read(path: Path, data: bytes) -> Raw:
    """Parses a .glb or .gltf file with these bytes; nodes are transformed. Raises `Damage`."""
    glb = data.startswith(b"glTF")
    text, binary = _chunks(data) if glb else (data, None)
    try:
        tree = json.loads(text.decode("utf-8-sig"))
        if not isinstance(tree, dict) or not isinstance(tree.get("asset"), dict):
            raise ValueError
    except (ValueError, RecursionError):
        raise Damage("is cut short or not a glTF file (its JSON part cannot be read)") from None
    packed = [name for name in PACKED if name in tree.get("extensionsRequired", [])]
    if packed:
        raise Damage(f"is compressed ({packed[0]}), which isofield cannot read", "export it without compression")
    try:
        files: dict[str, bytes] = {}
        _check(tree, _buffers(tree, path, binary, files))
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, struct.error):
        raise Damage("is a glTF file whose parts do not fit together") from None
    return load(path, "glb" if glb else "gltf", files)


def _chunks(data: bytes) -> tuple[bytes, bytes | None]:
    """The JSON and the binary chunk of a GLB file, after checking their lengths."""
    if len(data) < 20:
        raise Damage("is cut short: a GLB file has at least 20 bytes")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise Damage(f"is a GLB file of version {version}", "export it as glTF 2.0")
    if length > len(data):
        raise Damage(f"is cut short: its header promises {length} bytes, and the file has {len(data)}")
    text: bytes | None = None
    binary: bytes | None = None
    at = 12
    while at + 8 <= length:
        size, kind = struct.unpack_from("<I4s", data, at)
        if at + 8 + size > len(data):
            raise Damage("is cut short: one of its chunks is longer than the file")
        chunk = data[at + 8 : at + 8 + size]
        if kind == b"JSON":
            text = chunk
        elif kind == b"BIN\0" and binary is None:
            binary = chunk
        at += 8 + size
    if text is None:
        raise Damage("is a GLB file without a JSON chunk")
    return text, binary


def _buffers(tree: dict, path: Path, binary: bytes | None, files: dict[str, bytes]) -> list[bytes]:
    """The bytes of every buffer: from the file, from files in its folder (added to `files`), or from the JSON."""
    buffers = []
    for number, buffer in enumerate(tree.get("buffers", [])):
        uri = buffer.get("uri")
        if uri is None:
            if binary is None:
                raise Damage("has no binary chunk, and its JSON names one")
            content = binary
        elif uri.startswith("data:"):
            try:
                content = base64.b64decode(uri.split(",", 1)[1], validate=False)
            except (binascii.Error, IndexError):
                raise Damage(f"has a buffer (number {number}) that is not base64") from None
        else:
            try:
                with inside(path.parent, unquote(uri)).open("rb") as stream:
                    content = stream.read(buffer["byteLength"])
            except (OSError, ValueError):
                raise Damage(
                    f"needs the file {uri[:200]!r}, which cannot be read in its folder",
                    "copy that file into the folder, or export as .glb",
                ) from None
            files[uri] = files[unquote(uri)] = content
        if len(content) < buffer["byteLength"]:
            raise Damage(f"is cut short: a buffer of {buffer['byteLength']} bytes has only {len(content)}")
        buffers.append(content)
    return buffers


def _check(tree: dict, buffers: list[bytes]) -> None:
    """Checks that every accessor lies within its buffer, and every index within the positions."""
    accessors = tree.get("accessors", [])
    for accessor in accessors:
        if "bufferView" not in accessor:
            if accessor["count"] > 10**8:
                raise Damage(f"promises {accessor['count']} values that are in no buffer")
            continue
        view = tree["bufferViews"][accessor["bufferView"]]
        item = SIZES[accessor["componentType"]] * WIDTHS[accessor["type"]]
        stride = view.get("byteStride", item)
        last = accessor.get("byteOffset", 0) + stride * (accessor["count"] - 1) + item
        within = view.get("byteOffset", 0) + view["byteLength"] <= len(buffers[view["buffer"]])
        if accessor["count"] < 0 or (accessor["count"] and last > view["byteLength"]) or not within:
            raise Damage(f"is cut short: it promises {accessor['count']} values that its buffer does not hold")
    for mesh in tree.get("meshes", []):
        for primitive in mesh["primitives"]:
            if "indices" not in primitive or "POSITION" not in primitive["attributes"]:
                continue
            vertices = accessors[primitive["attributes"]["POSITION"]]["count"]
            highest = _highest(tree, accessors[primitive["indices"]], buffers)
            if highest >= vertices:
                raise Damage(
                    f"has a face that names vertex {highest}, but there are only {vertices} vertices (numbered from 0)"
                )


def _highest(tree: dict, accessor: dict, buffers: list[bytes]) -> int:
    """The highest index in an accessor of indices, -1 if it is empty."""
    if "bufferView" not in accessor or not accessor["count"]:
        return -1
    view = tree["bufferViews"][accessor["bufferView"]]
    kind = {1: "<u1", 2: "<u2", 4: "<u4"}[SIZES[accessor["componentType"]]]
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    return int(np.frombuffer(buffers[view["buffer"]], kind, accessor["count"], start).max())
