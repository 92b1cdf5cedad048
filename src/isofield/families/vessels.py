"""Vessels: thin-walled vases, jugs and amphorae, turned on a wheel, with handles and flutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import PchipInterpolator

from isofield.families.build import largest, positive, to_mesh, tube, union

if TYPE_CHECKING:
    import trimesh

RANGES: dict[str, tuple[float, float]] = {
    "height": (1.0, 2.2), "foot": (0.22, 0.45), "belly": (0.4, 0.75), "belly_height": (0.3, 0.6), "neck": (0.16, 0.42),
    "neck_height": (0.72, 0.88), "rim": (0.22, 0.55), "wall": (0.035, 0.06), "floor": (0.05, 0.12),
    "flutes": (0, 24.999), "depth": (0.0, 0.015), "handles": (0, 2.999), "handle": (0.035, 0.06), "reach": (0.16, 0.34),
}  # fmt: skip
"""Range of every parameter."""


def vessel(
    height: float = 1.6,
    foot: float = 0.32,
    belly: float = 0.6,
    belly_height: float = 0.42,
    neck: float = 0.25,
    neck_height: float = 0.8,
    rim: float = 0.36,
    wall: float = 0.045,
    floor: float = 0.08,
    flutes: float = 12,
    depth: float = 0.008,
    handles: float = 2,
    handle: float = 0.045,
    reach: float = 0.24,
) -> trimesh.Trimesh:
    """One vessel, open at the top, y up: its genus is the number of handles.

    height; foot, belly, neck, rim: outer radii; belly_height, neck_height: their heights, as fractions of the height.
    wall, floor: thickness. flutes: number of waves around the belly; depth: of these. handles: 0 to 2; handle: their
    radius; reach: their distance from the body.
    """
    from manifold3d import CrossSection

    positive(height=height, foot=foot, belly=belly, neck=neck, rim=rim, wall=wall, floor=floor, handle=handle)
    at = np.array([0.0, belly_height, neck_height, 1.0]) * height
    outline = PchipInterpolator(at, [foot, belly, neck, rim])
    z = np.linspace(0, height, 97)
    outside = np.stack([outline(z), z], axis=1)
    up = np.linspace(floor, height + 0.1, 97)
    # The wall is measured across, not along the radius: where the outline is steep, the radius shrinks by more.
    slope = outline(np.minimum(up, height), 1)
    inner = outline(np.minimum(up, height)) - wall * np.sqrt(1 + np.minimum(slope, 3) ** 2)
    inside = np.stack([np.maximum(inner, 0.02), up], axis=1)
    solid = CrossSection([np.concatenate([[[0.0, 0.0]], outside, [[0.0, height]]])]).revolve(144)
    hollow = CrossSection([np.concatenate([[[0.0, floor]], inside, [[0.0, height + 0.1]]])]).revolve(144)
    if int(flutes) >= 3 and depth > 0:

        def fluted(points: np.ndarray) -> np.ndarray:
            angle = np.arctan2(points[:, 1], points[:, 0])
            share = np.clip(np.sin(np.pi * np.clip(points[:, 2] / (neck_height * height), 0, 1)), 0, 1)
            radius = np.maximum(np.hypot(points[:, 0], points[:, 1]), 1e-9)
            factor = 1 + depth * share * np.cos(int(flutes) * angle) / radius * (radius > 0.05)
            return np.stack([points[:, 0] * factor, points[:, 1] * factor, points[:, 2]], axis=1)

        solid = solid.warp_batch(fluted)
    parts = [solid]
    low, high = 1.05 * belly_height * height, neck_height * height
    for turn in range(int(handles)):
        t = np.linspace(0, np.pi, 40)
        level = (low + high) / 2 - (high - low) / 2 * np.cos(t)
        radius = outline(level) - wall / 2 + reach * np.sin(t)
        path = np.stack([radius, 0 * t, level], axis=1)
        parts.append(tube(path, handle).rotate((0, 0, 180 * turn)))
    return to_mesh(largest(union(parts) - hollow))
