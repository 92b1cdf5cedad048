"""Formats that trimesh reads: scenes, merged by their transforms."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from isofield.io.formats.raw import Damage, Raw, bytes_of_colors

NEEDS = {
    "3mf": "lxml networkx", "dae": "pycollada lxml", "zae": "pycollada lxml", "3dxml": "lxml networkx pillow",
    "xaml": "lxml", "ctm": "openctm", "step": "cascadio", "stp": "cascadio",
}  # fmt: skip
"""The extra packages that trimesh needs for each format."""


def extensions() -> set[str]:
    """The extensions that trimesh can read with the installed packages, without the dot."""
    import trimesh

    return set(trimesh.available_formats()) - {"stl_ascii"}


def read(path: Path, extension: str) -> Raw:
    """Reads a file of a format that only trimesh supports. Raises `Damage`."""
    if extension not in extensions():
        raise Damage(
            f"needs packages that are not installed to be read as .{extension}",
            f"run 'pip install {NEEDS[extension]}', or convert it to .ply",
        )
    return load(path, extension)


def load(path: Path, kind: str, files: dict[str, bytes] | None = None) -> Raw:
    """Reads a file of this kind with trimesh and merges its scene: every mesh and cloud, transformed by its node.

    files: the other files that trimesh may see, by name. It opens none itself.
    """
    import trimesh

    try:
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scene = trimesh.load_scene(stream, file_type=kind, resolver=files or {}, process=False)
            return _merge(scene)
    except Damage:
        raise
    except Exception as problem:  # whatever trimesh and its readers raise for this file
        reason = " ".join(str(problem).split())[:120]
        raise Damage(f"cannot be read as .{kind}" + (f" ({reason})" if reason else "")) from None


def _merge(scene) -> Raw:
    import trimesh

    points: list[np.ndarray] = []
    faces: list[np.ndarray] = []
    colors: list[np.ndarray | None] = []
    before = 0
    for node in scene.graph.nodes_geometry:
        transform, name = scene.graph[node]
        part = scene.geometry[name]
        if not isinstance(part, trimesh.Trimesh | trimesh.PointCloud) or not len(part.vertices):
            continue
        placed = np.asarray(part.vertices, np.float64) @ transform[:3, :3].T + transform[:3, 3]
        points.append(placed)
        color = None
        if isinstance(part, trimesh.Trimesh):
            triangles = np.asarray(part.faces, np.int64)
            if len(triangles) and (triangles.min() < 0 or triangles.max() >= len(placed)):
                raise Damage(
                    f"has a face that names vertex {triangles.max()}, but there are only {len(placed)} vertices"
                )
            if np.linalg.det(transform[:3, :3]) < 0:  # a reflection reverses the faces
                triangles = triangles[:, ::-1]
            faces.append(triangles + before)
            visual: Any = part.visual
            if visual is not None and visual.kind == "vertex":
                color = np.asarray(visual.vertex_colors)
        elif part.colors is not None and len(part.colors) == len(placed):
            color = np.asarray(part.colors)
        colors.append(color)
        before += len(placed)
    if not points:
        raise Damage("holds no triangles and no points", "export its surface as a mesh")
    joined = None
    if any(color is not None for color in colors):
        white = [np.full((len(p), 4), 255, np.uint8) for p in points]
        joined = np.concatenate([w if c is None else bytes_of_colors(c) for c, w in zip(colors, white, strict=True)])
    every = np.concatenate(faces) if faces else np.empty((0, 3), np.int64)
    return Raw(np.concatenate(points), every if len(every) else None, None, joined)
