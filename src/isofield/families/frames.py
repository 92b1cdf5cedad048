"""Shapes of struts and rings: many handles, several components, sharp edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isofield.errors import InputError
from isofield.families.build import positive, to_mesh, tube, union

if TYPE_CHECKING:
    import trimesh


def lattice(cells: int = 2, size: float = 1.0, radius: float = 0.036, sides: int = 24) -> trimesh.Trimesh:
    """A cubic cage of round struts with balls at its nodes: genus 3 n (n + 1)^2 - (n + 1)^3 + 1, n cells per side."""
    from manifold3d import Manifold

    positive(cells=cells, size=size, radius=radius)
    knots = np.linspace(-size / 2, size / 2, cells + 1)
    parts = [Manifold.sphere(1.9 * radius, 32).translate((x, y, z)) for x in knots for y in knots for z in knots]
    strut = Manifold.cylinder(size, radius, radius, sides, center=True)
    for a in knots:
        for b in knots:
            parts.append(strut.translate((a, b, 0)))
            parts.append(strut.rotate((90, 0, 0)).translate((a, 0, b)))
            parts.append(strut.rotate((0, 90, 0)).translate((0, a, b)))
    return to_mesh(union(parts))


def knot(turns: int = 2, loops: int = 3, radius: float = 0.105, points: int = 400, sides: int = 40) -> trimesh.Trimesh:
    """A tube along a torus knot (2, 3: the trefoil), genus 1.

    turns: around the axis; loops: around the tube's core; they have no common divisor.
    """
    positive(turns=turns, loops=loops, radius=radius)
    if np.gcd(turns, loops) != 1:
        raise InputError(
            f"A knot of {turns} turns and {loops} loops is several rings: give numbers without a common divisor."
        )
    t = 2 * np.pi * np.arange(points) / points
    around = 0.62 + 0.28 * np.cos(loops * t)
    path = np.stack([around * np.cos(turns * t), around * np.sin(turns * t), 0.36 * np.sin(loops * t)], axis=1)
    return to_mesh(tube(path, radius, closed=True, sides=sides).rotate((90, 0, 0)))


def chain(links: int = 5, length: float = 0.5, width: float = 0.34, radius: float = 0.048) -> trimesh.Trimesh:
    """Interlinked rings that do not touch, each a component of genus 1, hanging in a slack row."""
    positive(links=links, length=length, width=width, radius=radius)
    straight = length - width
    t = np.linspace(0, np.pi, 40)
    arc = width / 2 * np.stack([np.sin(t), np.cos(t)], axis=1)
    side = np.linspace(0, 1, 12)[1:-1, None]
    shift = np.array([straight / 2, 0])
    right, left = arc + shift, -arc - shift
    below, above = right[-1] + side * (left[0] - right[-1]), left[-1] + side * (right[0] - left[-1])
    outline = np.concatenate([right, below, left, above])
    ring = tube(np.insert(outline, 2, 0, axis=1), radius, closed=True, sides=28)
    pitch = length - 3.2 * radius  # 0.6 radii of space between the rings
    parts = []
    for k in range(links):
        place = (k - (links - 1) / 2) * pitch
        sag = 0.12 * (2 * place / (links * pitch)) ** 2
        parts.append(ring.rotate((45 + 90 * (k % 2), 0, 0)).translate((place, 0, sag)))
    return to_mesh(union(parts))


def coil(turns: float = 4.0, radius: float = 0.045, height: float = 1.0, sides: int = 28) -> trimesh.Trimesh:
    """A spring: a tube along a helix that narrows upward, with flat ends, genus 0."""
    positive(turns=turns, radius=radius, height=height)
    t = np.linspace(0, 1, int(80 * turns))
    around = 0.42 * (1 - 0.45 * t)
    angle = 2 * np.pi * turns * t
    path = np.stack([around * np.cos(angle), around * np.sin(angle), height * t], axis=1)
    return to_mesh(tube(path, radius, sides=sides))


def gear(teeth: int = 18, thickness: float = 0.24, holes: int = 6, twist: float = 8.0) -> trimesh.Trimesh:
    """A helical gear with a keyed bore and holes in its recessed web, genus 1 + holes. twist: in degrees."""
    from manifold3d import CrossSection, Manifold

    positive(teeth=teeth, thickness=thickness)
    pitch = 2 * np.pi / teeth
    outline = []
    for k in range(teeth):
        for share, radius in ((-0.29, 0.50), (-0.20, 0.53), (-0.11, 0.60), (0.11, 0.60), (0.20, 0.53), (0.29, 0.50)):
            angle = (k + share) * pitch
            outline.append((radius * np.cos(angle), radius * np.sin(angle)))
    body = CrossSection([np.array(outline)]).extrude(thickness, n_divisions=12, twist_degrees=twist)
    recess = (CrossSection.circle(0.42, 128) - CrossSection.circle(0.19, 128)).extrude(0.35 * thickness)
    body = body - recess.translate((0, 0, 0.65 * thickness)) - recess.translate((0, 0, -1e-9))
    bore = Manifold.cylinder(3 * thickness, 0.10, 0.10, 96, center=True)
    key = Manifold.cube((0.06, 0.13, 3 * thickness), center=True).translate((0, 0.065, 0))
    cuts = [bore, key]
    if holes:
        hole = Manifold.cylinder(3 * thickness, 0.07, 0.07, 64, center=True).translate((0.305, 0, 0))
        cuts += [hole.rotate((0, 0, 360 * k / holes)) for k in range(holes)]
    return to_mesh((body - union(cuts)).rotate((90, 0, 0)))
