"""The format of a file by its first bytes, independent of its name."""

from __future__ import annotations

import re

from isofield.io.formats.stl import HEAD, RECORD

SHAPES = (
    (b"ply\n", "ply"), (b"ply\r", "ply"), (b"glTF", "glb"), (b"\x93NUMPY", "npy"), (b"# .PCD", "pcd"),
    (b"#binvox", "binvox"), (b"solid ", "stl"), (b"LASF", "las"), (b"ASTM-E57", "e57"),
)  # fmt: skip
"""First bytes of formats that isofield reads. (An .npz file is a zip archive: see `shape`.)"""

OTHERS = (
    (b"\x89PNG", "a PNG picture"), (b"\xff\xd8\xff", "a JPEG picture"), (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"), (b"II*\0", "a TIFF picture"), (b"MM\0*", "a TIFF picture"), (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive"), (b"\x1f\x8b", "a gzip archive"), (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"), (b"7z\xbc\xaf", "a 7z archive"), (b"Rar!", "a RAR archive"),
    (b"\x89HDF", "an HDF5 file"), (b"\x7fELF", "a program"), (b"MZ", "a program"), (b"Kaydara FBX", "an FBX scene"),
    (b"BLENDER", "a Blender file"), (b"version https://git-lfs", "a Git LFS pointer"),
    (b"<!DOCTYPE html", "a web page"), (b"<html", "a web page"), (b"# vtk", "a VTK file"),
)  # fmt: skip
"""First bytes of files that isofield does not read, and what they are."""
REMEDIES = {
    "a PNG picture": "give the shape itself; a depth image goes with its camera (isofield fit --camera FILE.json)",
    "a Git LFS pointer": "run 'git lfs pull' to get the file itself",
    "a gzip archive": "unpack it first",
    "an xz archive": "unpack it first",
    "a 7z archive": "unpack it first",
    "a RAR archive": "unpack it first",
    "a zip archive": "unpack it first, or rename it to .zip",
    "an FBX scene": "export it as .glb or .obj",
    "a Blender file": "export it as .glb or .obj",
    "a VTK file": "convert it to .ply",
    "a web page": "download the file itself",
}
OFF = re.compile(rb"(ST)?C?N?OFF[\s\d]")
NUMBER = re.compile(rb"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|[-+]?(nan|inf)", re.IGNORECASE)
OBJ = re.compile(rb"^(v|f|vn|vt)[ \t]+[-\d.]|^(mtllib|usemtl)[ \t]", re.MULTILINE)


def shape(data: bytes) -> str | None:
    """The extension (without dot) of the supported format that these bytes certainly have, or None."""
    for magic, extension in SHAPES:
        if data.startswith(magic) and (extension != "stl" or b"facet" in data[:1000] or b"endsolid" in data[:1000]):
            return extension
    if data.startswith(b"PK\x03\x04") and b".npy" in data[30:300]:
        return "npz"
    if OFF.match(data):
        return "off"
    head = data[:4096].lstrip(b"\xef\xbb\xbf \r\n\t")
    if head.startswith(b"{") and (b'"asset"' in data or b'"meshes"' in data):
        return "gltf"
    if len(data) > HEAD and len(data) == HEAD + RECORD.itemsize * int.from_bytes(data[80:84], "little"):
        return "stl"
    if b"\0" not in head:
        if re.search(rb"^VERSION[^\n]*\nFIELDS ", head, re.MULTILINE):
            return "pcd"
        if OBJ.search(head):
            return "obj"
    return None


def rows(data: bytes) -> bool:
    """Whether these bytes begin with lines of three and more numbers each, as text of points does."""
    lines = [re.split(rb"[,;\s]+", line.strip()) for line in data[:4096].splitlines()[:-1] if line.strip()]
    return len(lines) > 2 and all(len(line) >= 3 and all(map(NUMBER.fullmatch, line)) for line in lines[1:])


def other(data: bytes) -> tuple[str, str] | None:
    """The unsupported format of these bytes, in words, and the remedy; None if it is unknown."""
    for magic, name in OTHERS:
        if data.startswith(magic):
            return name, REMEDIES.get(name, "give the shape itself")
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "a WebP picture", "give the shape itself"
    return None
