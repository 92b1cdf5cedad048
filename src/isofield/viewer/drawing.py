"""Shapes put into the scene of a page."""

from __future__ import annotations

from typing import Any

import numpy as np
import trimesh
import viser

from isofield.render.camera import best_view, direction
from isofield.render.shading import decode
from isofield.types import Similarity

FIELD_OF_VIEW, AWAY = 0.7, 3.4
"""The camera's angle (radians), and its distance from the middle of the scene, whose radius is 1."""


def look_at(server: viser.ViserServer, points: np.ndarray, up: str, farther: float = 1.0) -> np.ndarray:
    """Where the camera begins: a good view of points (n, 3) of the scene; returns the direction (3,) to it. farther:
    factor on its distance."""
    server.scene.set_up_direction(f"+{up}")  # type: ignore[arg-type]
    toward = direction(*best_view(points, up), up)
    camera = server.initial_camera
    camera.up, camera.look_at, camera.position = (
        tuple(direction(0, 90, up)),
        (0.0, 0.0, 0.0),
        tuple(farther * AWAY * toward),
    )
    camera.fov = FIELD_OF_VIEW
    return toward


def draw_mesh(
    server: viser.ViserServer, name: str, mesh: trimesh.Trimesh, frame: Similarity, colors: np.ndarray,
    lit: bool = True, flat: bool = False,
) -> Any:  # fmt: skip
    """A mesh in the place of what had the name. colors: (n, 3) uint8 of its vertices, or (3,); lit: shaded by lights,
    else the colours themselves; flat: each face in one tone, else smooth."""
    vertices = frame.apply(np.asarray(mesh.vertices))
    if colors.shape == (3,):
        r, g, b = (int(part) for part in colors)
        return server.scene.add_mesh_simple(
            name, vertices, np.asarray(mesh.faces), color=(r, g, b), side="double", flat_shading=flat
        )
    return server.scene.add_glb(name, glb_of(vertices, np.asarray(mesh.faces), colors, lit, flat))


def glb_of(vertices: np.ndarray, faces: np.ndarray, colors: np.ndarray, lit: bool = True, flat: bool = False) -> bytes:
    """Binary glTF of a mesh with colours (n, 3) uint8 sRGB at its vertices, visible from both sides."""
    if flat:
        vertices, colors = vertices[faces].reshape(-1, 3), colors[faces].reshape(-1, 3)
        faces = np.arange(len(vertices)).reshape(-1, 3)
    linear = np.rint(255 * decode(colors)).astype(np.uint8)  # colours of glTF are linear
    mesh = trimesh.Trimesh(vertices.astype(np.float32), faces, process=False, vertex_colors=linear)

    def material(tree: dict[str, Any]) -> None:
        kind: dict[str, Any] = {
            "doubleSided": True, "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.9},
        }  # fmt: skip
        if not lit:
            kind["extensions"] = {"KHR_materials_unlit": {}}
            tree["extensionsUsed"] = ["KHR_materials_unlit"]
        tree["materials"] = [kind]
        for one in tree["meshes"]:
            for part in one["primitives"]:
                part["material"] = 0

    data: bytes = trimesh.exchange.gltf.export_glb(
        trimesh.Scene(mesh), include_normals=lit, tree_postprocessor=material
    )
    return data


def draw_points(
    server: viser.ViserServer, name: str, points: np.ndarray, frame: Similarity, colors: np.ndarray, size: float
) -> Any:
    """Points (n, 3) in the place of what had the name. colors: (n, 3) uint8 or (3,); size: in the scene."""
    return server.scene.add_point_cloud(
        name, frame.apply(points).astype(np.float32), colors, point_size=size, point_shape="circle",
        precision="float32",
    )  # fmt: skip


def draw_lines(
    server: viser.ViserServer, name: str, segments: np.ndarray, frame: Similarity, color: tuple[int, int, int],
    thickness: float,
) -> Any:  # fmt: skip
    """Segments (n, 2, 3) in the place of what had the name. thickness: pixels."""
    return server.scene.add_line_segments(
        name, frame.apply(segments).astype(np.float32), color, thickness=thickness, thickness_units="screen"
    )
