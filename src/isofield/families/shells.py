"""Thin shapes: walls of 1.2 to 3 % of the box's diagonal, whose two sides are easily confused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isofield.families.build import largest, positive, to_mesh, tube, union

if TYPE_CHECKING:
    import trimesh


def plate(
    width: float = 1.6,
    depth: float = 1.0,
    thickness: float = 0.034,
    columns: int = 4,
    rows: int = 3,
    corner: float = 0.12,
) -> trimesh.Trimesh:
    """A flat plate with rounded corners and `columns` x `rows` round holes: its genus is the number of holes."""
    from manifold3d import CrossSection, JoinType

    positive(width=width, depth=depth, thickness=thickness, columns=columns, rows=rows, corner=corner)
    inner = (width - 2 * corner, depth - 2 * corner)
    outline = CrossSection.square(inner, center=True).offset(corner, JoinType.Round, circular_segments=64)
    pitch = np.array([width / columns, depth / rows])
    for i in range(columns):
        for j in range(rows):
            center = (np.array([i, j]) + 0.5 - np.array([columns, rows]) / 2) * pitch
            radius = 0.28 * pitch.min() * (0.75 + 0.25 * ((i + j) % 2))
            outline = outline - CrossSection.circle(radius, 64).translate(tuple(center))
    return to_mesh(outline.extrude(thickness))


def cup(
    radius: float = 0.5, height: float = 1.0, thickness: float = 0.034, handle: float = 0.055, segments: int = 160
) -> trimesh.Trimesh:
    """A mug with a wall of `thickness`, a rounded rim and one handle: genus 1. radius: outside, at the rim."""
    from manifold3d import CrossSection

    positive(radius=radius, height=height, thickness=thickness, handle=handle)
    t = np.linspace(0, 1, 60)
    outside = radius * (0.80 + 0.20 * np.sin(t * np.pi / 2))
    floor = 1.5 * thickness
    rim = np.linspace(0, np.pi, 13)[1:-1]
    middle = outside[-1] - thickness / 2
    lip = np.stack([middle + thickness / 2 * np.cos(rim), height + thickness / 2 * np.sin(rim)], axis=1)
    up = np.stack([outside, t * height], axis=1)
    # The inside ends in a fillet, so that no part of the wall is thinner than `thickness`.
    s = floor + (height - floor) * t[::-1]
    reach = np.interp(s, t * height, outside) - thickness
    fillet = 0.12 * radius
    low = np.clip(1 - (s - floor) / fillet, 0, 1)
    down = np.stack([reach - fillet * (1 - np.sqrt(1 - low**2)), s], axis=1)
    foot = np.array([[0.0, floor], [0.0, 0.0]])
    body = CrossSection([np.concatenate([up, lip, down, foot])]).revolve(segments)
    hollow = CrossSection([np.concatenate([down, foot[:1], [[0.0, height + 1.0], [down[0, 0], height + 1.0]]])[::-1]])
    a = np.linspace(-np.pi / 2, np.pi / 2, 60)
    path = np.stack([radius * (0.86 + 0.62 * np.cos(a)), 0 * a, height * (0.52 + 0.30 * np.sin(a))], axis=1)
    return to_mesh(union([body, tube(path, handle) - hollow.revolve(segments)]))


def propeller(
    blades: int = 5, length: float = 0.85, thickness: float = 0.036, twist: float = 38.0, pitch: float = 62.0
) -> trimesh.Trimesh:
    """Thin twisted blades on a hub with a bore: genus 1. twist: degrees along a blade; pitch: degrees at its root."""
    from manifold3d import CrossSection, JoinType, Manifold

    positive(blades=blades, length=length, thickness=thickness)
    chord = 0.34
    section = CrossSection.square((chord - thickness, 1e-3), center=True)
    section = section.offset((thickness - 1e-3) / 2, JoinType.Round, circular_segments=32)
    blade = section.extrude(length, n_divisions=64, twist_degrees=twist, scale_top=(1.0, 1.0))

    def widen(points: np.ndarray) -> np.ndarray:
        """Outline of a leaf: the chord grows, then shrinks to a round tip; the thickness is constant."""
        t = points[:, 2] / length
        c, s = np.cos(np.radians(twist) * t), np.sin(np.radians(twist) * t)
        x = points[:, 0] * c + points[:, 1] * s
        y = -points[:, 0] * s + points[:, 1] * c
        x = x * (0.75 + 0.5 * np.sin(np.pi * t)) * np.sqrt(1 - np.clip((t - 0.55) / 0.46, 0, 1) ** 2)
        return np.stack([x * c - y * s, x * s + y * c, points[:, 2]], axis=1)

    blade = blade.warp_batch(widen).rotate((0, 0, pitch)).rotate((0, 90, 0)).translate((0.1, 0, 0))
    t = np.linspace(0, np.pi / 2, 24)
    dome = np.stack([0.22 * np.cos(t), 0.10 + 0.20 * np.sin(t)], axis=1)
    hub = CrossSection([np.concatenate([[[0.0, -0.2], [0.22, -0.2]], dome])]).revolve(128)
    wheel = union([hub, *(blade.rotate((0, 0, 360.0 * k / blades)) for k in range(blades))])
    return to_mesh(wheel - Manifold.cylinder(2.0, 0.075, 0.075, 64, center=True))


def gyroid(size: float = 1.0, cells: float = 1.5, thickness: float = 0.042, edge: float = 0.028) -> trimesh.Trimesh:
    """A sheet of Schoen's gyroid in a cube with rounded edges: one curved wall, many handles.

    cells: periods along an edge of the cube. edge: approximate length of the triangles' edges.
    """
    from math import cos, sin, sqrt

    from manifold3d import Manifold

    positive(size=size, cells=cells, thickness=thickness, edge=edge)
    k = 2 * np.pi * cells / size

    def inside(x: float, y: float, z: float) -> float:
        sx, sy, sz, cx, cy, cz = sin(k * x), sin(k * y), sin(k * z), cos(k * x), cos(k * y), cos(k * z)
        value = sx * cy + sy * cz + sz * cx
        slope = sqrt((cx * cy - sz * sx) ** 2 + (cy * cz - sx * sy) ** 2 + (cz * cx - sy * sz) ** 2)
        return thickness / 2 - abs(value) / (k * max(slope, 0.2))

    reach = 0.5 * size + 2 * edge
    sheet = Manifold.level_set(inside, [-reach] * 3 + [reach] * 3, edge)
    rounding = 0.12 * size
    corner = 0.5 * size - rounding
    ball = Manifold.sphere(rounding, 48)
    ends = (-corner, corner)
    corners = [ball.translate((x, y, z)) for x in ends for y in ends for z in ends]
    return to_mesh(largest(sheet ^ Manifold.batch_hull(corners)))
