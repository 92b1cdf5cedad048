"""The sculpture of the demo: a Scherk-Collins ring on a plinth."""

from __future__ import annotations

from math import atan2, cos, cosh, exp, hypot, pi, sin, sinh, sqrt
from typing import TYPE_CHECKING

import numpy as np

from isofield.errors import InputError
from isofield.families.build import largest, positive, to_mesh, union

if TYPE_CHECKING:
    import trimesh
    from manifold3d import Manifold


def sculpture(
    seed: int = 0, *, saddles: int = 7, thickness: float = 0.1, relief: float = 0.02, edge: float = 0.03
) -> trimesh.Trimesh:
    """A twisted ring of saddles and tunnels with a beaded border, on a stepped, fluted and pierced plinth.

    The ring is a chain of `saddles` of Scherk's second minimal surface, bent into a circle (Sequin, Wang and Collins
    1997, "Scherk Collins sculpture generator"). Smooth saddles, sharp borders, relief; one component, no inner walls.

    seed: turns the ring and the relief of the plinth. thickness: of the ring's wall. relief: how far its beads stand
    out. edge: about the length of the triangles' edges on the ring; the default gives about 150 000 faces.
    """
    positive(thickness=thickness, edge=edge)
    if saddles < 6:
        raise InputError(f"A sculpture of {saddles} saddles falls apart: give at least 6.")
    random = np.random.default_rng(seed)
    turn = 360 * random.random() if seed else 0.0
    ring = _ring(saddles, thickness, relief, edge).rotate((0, 0, 180 / saddles + turn)).rotate((90, 0, 0))
    return to_mesh(largest(union([ring.translate((0, 0, 1.50)), _plinth(random)])))


def _ring(saddles: int, thickness: float, relief: float, edge: float, wing: float = 0.44) -> Manifold:
    """The ring around z, of radius 1, with wings out to `wing` from its middle line."""
    from manifold3d import CrossSection, Manifold

    per_length = saddles / 2  # radians of the surface's phase per length along the middle line; a saddle is pi
    reach = wing + 2 * edge

    def inside(x: float, y: float, z: float) -> float:
        out = hypot(x, y) - 1
        away = hypot(out, z)
        if away > reach:
            return reach - away - thickness
        around = atan2(y, x)
        # A quarter turn for each saddle: after an odd number the two families of wings have changed places, and meet.
        c, s = cos(saddles * around / 4), sin(saddles * around / 4)
        u, v, w = per_length * (c * out + s * z), per_length * (c * z - s * out), per_length * around
        su, sv, cu, cv, cw = sinh(u), sinh(v), cosh(u), cosh(v), cos(w)
        value = su * sv - sin(w)
        slope = per_length * sqrt((cu * sv) ** 2 + (su * cv) ** 2 + cw * cw + 1e-9)
        bead = relief * exp(-(((away - 0.86 * wing) / 0.035) ** 2))
        return thickness / 2 + bead - abs(value) / slope

    box = 1 + reach + edge
    sheet = Manifold.level_set(inside, [-box, -box, -reach - edge, box, box, reach + edge], edge)
    # Cut by a fine torus, so that the border is sharp and clean.
    torus = CrossSection.circle(wing, 128).translate((1, 0)).revolve(256)
    return sheet ^ torus


def _plinth(random: np.random.Generator) -> Manifold:
    """Steps, a square shaft with arches and diamonds, a fluted neck; its top is at about z = 0."""
    from manifold3d import CrossSection, JoinType, Manifold

    def block(width: float, low: float, high: float, corner: float = 0.06) -> Manifold:
        section = CrossSection.square((width - 2 * corner,) * 2, center=True)
        return section.offset(corner, JoinType.Miter).extrude(high - low).translate((0, 0, low))

    parts = [block(1.56, -1.00, -0.90), block(1.42, -0.90, -0.82), block(1.20, -0.82, -0.22), block(1.40, -0.22, -0.12)]
    # The neck: 20 flutes, narrowing upward into the ring.
    t = 2 * pi * np.arange(400) / 400
    radius = 0.46 - 0.028 * np.abs(np.sin(10 * t + pi * random.integers(2) / 2))
    star = CrossSection([np.stack([radius * np.cos(t), radius * np.sin(t)], axis=1)])
    parts.append(star.extrude(0.46, n_divisions=24, twist_degrees=30, scale_top=(0.62, 0.62)).translate((0, 0, -0.12)))
    solid = union(parts)
    # Two arched tunnels cross in the shaft.
    arch = union(
        [
            Manifold.cube((0.36, 3, 0.30), center=True).translate((0, 0, -0.62)),
            Manifold.cylinder(3, 0.18, 0.18, 64, center=True).rotate((90, 0, 0)).translate((0, 0, -0.47)),
        ]
    )
    solid = solid - arch - arch.rotate((0, 0, 90))
    # Diamonds stand out beside the arches.
    diamond = Manifold.sphere(0.12, 4).scale((0.8, 0.75, 1.6))
    studs = [diamond.translate((x, -0.60, -0.54)).rotate((0, 0, 90 * k)) for k in range(4) for x in (-0.38, 0.38)]
    return union([solid, *studs])
