"""The sculpture of the demo: a Scherk-Collins ring on a plinth."""

from __future__ import annotations

from math import asinh, atan2, cos, cosh, exp, floor, hypot, inf, nextafter, pi, sin, sinh, sqrt
from typing import TYPE_CHECKING

import numpy as np

from isofield.errors import InputError
from isofield.families.build import largest, positive, to_mesh, union

if TYPE_CHECKING:
    import trimesh
    from manifold3d import Manifold

RANGES: dict[str, tuple[float, float]] = {
    "seed": (1, 9999.999), "saddles": (6, 10.999), "thickness": (0.08, 0.13), "relief": (0.0, 0.06),
    "wing": (0.43, 0.5), "bead": (0.5, 0.88), "bead_width": (0.08, 0.28), "twist": (-1, 1.999), "stretch": (0.8, 1.3),
    "tilt": (-18, 18), "neck": (0.4, 0.56), "neck_top": (0.5, 0.85), "neck_height": (0.4, 0.9), "flutes": (6, 28.999),
    "flute_depth": (0.0, 0.09), "spiral": (-60, 60), "width": (1.05, 1.4), "shaft": (0.5, 1.0), "cornice": (0.06, 0.36),
    "steps": (1, 4.999), "step": (0.05, 0.14), "arch": (0.12, 0.24), "tunnels": (0, 2.999), "studs": (0, 3.999),
    "stud": (0.08, 0.16),
}  # fmt: skip
"""Range of every parameter of `isofield make sculpture`."""


def sculpture(
    seed: float = 0,
    *,
    saddles: float = 7,
    thickness: float = 0.1,
    relief: float = 0.02,
    edge: float = 0.03,
    wing: float = 0.44,
    bead: float = 0.86,
    bead_width: float = 0.035,
    twist: float = 0,
    even: float = 0.0,
    stretch: float = 1.0,
    tilt: float = 0.0,
    neck: float = 0.46,
    neck_top: float = 0.62,
    neck_height: float = 0.46,
    flutes: float = 20,
    flute_depth: float = 0.028,
    spiral: float = 30.0,
    width: float = 1.2,
    shaft: float = 0.6,
    cornice: float = 0.2,
    steps: float = 2,
    step: float = 0.08,
    arch: float = 0.18,
    tunnels: float = 2,
    studs: float = 1,
    stud: float = 0.12,
) -> trimesh.Trimesh:
    """A twisted ring of saddles and tunnels with a beaded border, on a stepped, fluted and pierced plinth.

    The ring is a chain of `saddles` of Scherk's second minimal surface, bent into a circle of radius 1 (Sequin, Wang
    and Collins 1997, "Scherk Collins sculpture generator"). Smooth saddles, sharp borders, relief; one component, no
    inner walls. Counts are rounded down.

    seed: rotates the ring and the relief of the plinth. thickness: of the ring's wall. edge: approximate length of
    the triangles' edges on the ring; the default gives about 150 000 faces. wing: distance of the border from the
    middle line. relief, bead, bead_width: height of the beads, their position on the wing (a fraction of it), and their
    width. twist: half turns about the middle line, beyond the quarter for each saddle. even: 1 for a wall of uniform
    thickness; at 0 it is down to half as thick toward the ring's hole. stretch: of the ring, upward. tilt: in degrees.

    neck: radius at the bottom; neck_top: at the top, as a fraction of that; neck_height; flutes: their number, of
    flute_depth; spiral: their rotation, in degrees. width, shaft: width and height of the plinth's shaft. cornice: its
    additional width. steps: their number, each `step` high. tunnels: 0 to 2 cross the shaft, of half width `arch`.
    studs: number of diamonds above each other beside the arches, of radius `stud`.

    Raises InputError for sizes that are not above 0, for parts that do not meet, and for arches and studs that do not
    fit.
    """
    positive(
        thickness=thickness, edge=edge, bead_width=bead_width, stretch=stretch, neck=neck, neck_top=neck_top,
        neck_height=neck_height, width=width, shaft=shaft, steps=int(steps), step=step, arch=arch,
        stud=stud,
    )  # fmt: skip
    saddles = int(saddles)
    # Between two saddles the wings are sinh⁻¹(1) √2 phases from the middle line: those that end before are in pieces.
    if wing * saddles < 2 * sqrt(2) * asinh(1):
        raise InputError(
            f"A sculpture of {saddles} saddles and a wing of {wing:g} falls apart: give more saddles, or a wing of "
            f"{2.5 / max(saddles, 3):.2g}."
        )
    if arch + 0.12 > shaft or 2 * arch >= width:
        raise InputError(f"The family's parameter arch is {arch:g}, too large for its shaft: give a smaller one.")
    random = np.random.default_rng(int(seed))
    turn = 360 * random.random() if seed else 0.0
    ring = _ring(saddles, thickness, relief, edge, wing, bead, bead_width, saddles + 2 * floor(twist), even)
    ring = ring.rotate((0, 0, 180 / saddles + turn)).rotate((90, 0, 0)).translate((0, 0, 1.0))
    # Stretched and tilted about its joint with the neck.
    ring = ring.scale((1.0, 1.0, stretch)).rotate((tilt, 0, 0))
    below = round(0.34 - neck_height, 12)
    middle = round(below - 0.1 - shaft / 2, 12)
    # Without names for the parts: manifold3d unites all unreferenced ones in one operation.
    solid = union(
        [
            ring.translate((0, 0, 0.5)),
            _plinth(
                [
                    *_blocks(below, width, shaft, cornice, int(steps), step),
                    _neck(below, neck, neck_top, neck_height, int(flutes), flute_depth, spiral, random),
                ],
                _tunnels(middle, shaft, arch, int(tunnels)),
                _studs(middle, width, shaft, arch, int(studs), stud),
            ),
        ]
    )
    body = largest(solid)
    if body.volume() < 0.98 * solid.volume():
        raise InputError("With these parameters the sculpture's ring and neck do not meet: give a wider neck.")
    return to_mesh(body)


def _ring(
    saddles: int,
    thickness: float,
    relief: float,
    edge: float,
    wing: float,
    bead: float,
    bead_width: float,
    quarters: int,
    even: float,
) -> Manifold:
    """The ring around z, of radius 1, with wings of length `wing`, which rotate around its middle line by a number of
    quarter turns."""
    from manifold3d import CrossSection, Manifold

    per_length = saddles / 2  # radians of the surface's phase per length along the middle line; a saddle is pi
    reach = wing + 2 * edge

    def inside(x: float, y: float, z: float) -> float:
        out = hypot(x, y) - 1
        away = hypot(out, z)
        if away > reach:
            return reach - away - thickness
        around = atan2(y, x)
        # An even number of quarters more than saddles: after an odd number the two families of wings are swapped,
        # and meet.
        c, s = cos(quarters * around / 4), sin(quarters * around / 4)
        u, v, w = per_length * (c * out + s * z), per_length * (c * z - s * out), per_length * around
        su, sv, cu, cv, cw = sinh(u), sinh(v), cosh(u), cosh(v), cos(w)
        value = su * sv - sin(w)
        # Derivative of the value along the ring: of a straight chain, or of this one, which is bent and twisted.
        bent = (cw - quarters / (4 * per_length) * (cu * sv * v - su * cv * u)) / max(1 + out, 0.2)
        along = cw + even * (bent - cw)
        slope = per_length * sqrt((cu * sv) ** 2 + (su * cv) ** 2 + along * along + 1e-9)
        out_by = relief * exp(-(((away - bead * wing) / bead_width) ** 2))
        return thickness / 2 + out_by - abs(value) / slope

    box = 1 + reach + edge
    sheet = Manifold.level_set(inside, [-box, -box, -reach - edge, box, box, reach + edge], edge)
    # Intersected with a fine torus, for a sharp border.
    torus = CrossSection.circle(wing, 128).translate((1, 0)).revolve(256)
    return sheet ^ torus


def _neck(
    low: float,
    radius: float,
    top: float,
    height: float,
    flutes: int,
    depth: float,
    spiral: float,
    random: np.random.Generator,
) -> Manifold:
    """A fluted neck on z = `low` that narrows upward into the ring."""
    from manifold3d import CrossSection

    t = 2 * pi * np.arange(400) / 400
    around = radius - depth * np.abs(np.sin(flutes / 2 * t + pi * random.integers(2) / 2))
    star = CrossSection([np.stack([around * np.cos(t), around * np.sin(t)], axis=1)])
    return star.extrude(height, n_divisions=24, twist_degrees=spiral, scale_top=(top, top)).translate((0, 0, low))


def _blocks(top: float, width: float, shaft: float, cornice: float, steps: int, step: float) -> list[Manifold]:
    """From below: steps, a square shaft, a cornice whose top is at z = `top`."""
    from manifold3d import CrossSection, JoinType

    def block(width: float, low: float, high: float, corner: float = 0.06) -> Manifold:
        section = CrossSection.square((width - 2 * corner,) * 2, center=True)
        tall = high - low
        while low + tall < high:  # a gap of one rounding error would separate two blocks
            tall = nextafter(tall, inf)
        return section.offset(corner, JoinType.Miter).extrude(tall).translate((0, 0, low))

    # The lowest step is higher than the others. Rounded, so that sums are exactly the defaults.
    widths = [*(width + 0.22 + 0.14 * k for k in reversed(range(steps))), width, width + cornice]
    heights = [1.25 * step, *[step] * (steps - 1), shaft, 0.1]
    levels = [round(top - sum(heights[k:]), 12) for k in range(len(heights) + 1)]
    return [block(round(w, 12), low, high) for w, low, high in zip(widths, levels, levels[1:], strict=False)]


def _tunnels(middle: float, shaft: float, half: float, count: int) -> list[Manifold]:
    """Arched tunnels of half width `half` that cross in the shaft, whose middle is at z = `middle`."""
    from manifold3d import Manifold

    low, spring = round(middle - shaft / 2 + 0.05, 12), round(middle + shaft / 2 - 0.07 - half, 12)
    below = Manifold.cube((2 * half, 3, round(spring - low, 12)), center=True)
    arch = union(
        [
            below.translate((0, 0, round((low + spring) / 2, 12))),
            Manifold.cylinder(3, half, half, 64, center=True).rotate((90, 0, 0)).translate((0, 0, spring)),
        ]
    )
    return [arch.rotate((0, 0, 90 * k)) for k in range(count)]


def _studs(middle: float, width: float, shaft: float, arch: float, count: int, radius: float) -> list[Manifold]:
    """Diamonds on the shaft beside the arches, `count` of them above each other."""
    from manifold3d import Manifold

    if count < 1:
        return []
    diamond = Manifold.sphere(radius, 4).scale((0.8, 0.75, 1.6 / count))
    aside = round(arch + (width / 2 - arch) / 2.1, 12)
    levels = [round(middle - 0.02 + shaft / (count + 0.5) * (row - (count - 1) / 2), 12) for row in range(count)]
    places = [(k, x, z) for k in range(4) for x in (-aside, aside) for z in levels]
    return [diamond.translate((x, -width / 2, z)).rotate((0, 0, 90 * k)) for k, x, z in places]


def _plinth(parts: list[Manifold], hollows: list[Manifold], studs: list[Manifold]) -> Manifold:
    """The union of parts, minus hollows, plus studs."""
    solid = union(parts)
    for hollow in hollows:
        solid = solid - hollow
    return union([solid, *studs])
