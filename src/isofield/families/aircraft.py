"""Aircraft: a fuselage, wings with dihedral and sweep, a tail, and engines below the wings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isofield.families.build import facing, largest, positive, to_mesh, union

if TYPE_CHECKING:
    import trimesh
    from manifold3d import Manifold

RANGES: dict[str, tuple[float, float]] = {
    "radius": (0.08, 0.14), "nose": (0.10, 0.24), "tail": (0.25, 0.45), "span": (1.4, 2.4), "chord": (0.28, 0.5),
    "taper": (0.2, 0.9), "sweep": (0.0, 0.6), "dihedral": (-0.05, 0.18), "thickness": (0.09, 0.15),
    "station": (0.36, 0.5), "height": (-0.7, 0.8), "stabilizer": (0.5, 0.9), "fin": (0.22, 0.42),
    "stabilizer_height": (0.0, 0.9), "engines": (0, 4.999), "engine_radius": (0.045, 0.08), "engine_place": (0.25, 0.5),
}  # fmt: skip
"""Range of every parameter; the fuselage is 2 long."""
LENGTH = 2.0


def aircraft(
    radius: float = 0.11,
    nose: float = 0.18,
    tail: float = 0.35,
    span: float = 2.0,
    chord: float = 0.4,
    taper: float = 0.4,
    sweep: float = 0.3,
    dihedral: float = 0.08,
    thickness: float = 0.12,
    station: float = 0.42,
    height: float = -0.5,
    stabilizer: float = 0.7,
    fin: float = 0.32,
    stabilizer_height: float = 0.1,
    engines: float = 2,
    engine_radius: float = 0.06,
    engine_place: float = 0.35,
) -> trimesh.Trimesh:
    """One symmetric aircraft, nose to -z and y up, as in ShapeNet.

    radius: of the fuselage, whose length is 2. nose, tail: fractions of the length that narrow. span: from tip to tip.
    chord: of the wing at its root; taper: chord of the tip, as a fraction of that; sweep, dihedral: offset of the tip
    backward and upward, as fractions of half the span; thickness: of the wings, as a fraction of the chord. station:
    distance of the wing's front from the nose; height: of its root, in radii. stabilizer: span of the tailplane;
    stabilizer_height: its height on the fin; fin: height of the fin. engines: their number, rounded down to an even
    one. engine_radius; engine_place: position on half the span.
    """
    from manifold3d import CrossSection

    positive(radius=radius, span=span, chord=chord, thickness=thickness, fin=fin, engine_radius=engine_radius)
    t = np.linspace(0, 1, 65)
    front = np.sqrt(np.clip(1 - (1 - np.minimum(t / nose, 1)) ** 2, 0, 1))
    back = 1 - 0.94 * np.clip((t - 1 + tail) / tail, 0, 1) ** 1.8
    profile = np.stack([radius * front * back, LENGTH * (0.5 - t)], axis=1)
    profile[0, 0] = 0.0
    body = CrossSection([np.concatenate([profile, [[0.0, -LENGTH / 2]]])[::-1]]).revolve(48).rotate((0, 90, 0))
    half, lead = span / 2, LENGTH * (0.5 - station)
    low = height * radius
    parts = [body]
    for side in (1, -1):
        tip = (lead - sweep * half, side * half, low + dihedral * half)
        parts.append(_panel((lead, 0, low), chord, tip, taper * chord, thickness, 2))
        end = -LENGTH / 2 + 0.34
        base = 0.25 * radius + stabilizer_height * fin
        away = (end - 0.15 - 0.25 * stabilizer_height, side * stabilizer / 2, base + 0.04)
        parts.append(_panel((end - 0.25 * stabilizer_height, 0, base), 0.26, away, 0.14, thickness, 2))
    parts.append(
        _panel((-LENGTH / 2 + 0.42, 0, 0), 0.38, (-LENGTH / 2 + 0.16, 0, fin + 0.3 * radius), 0.2, thickness, 1)
    )
    for pair in range(int(engines) // 2):
        place = engine_place + 0.28 * pair
        for side in (1, -1):
            x = lead - sweep * half * place + 0.10
            z = low + dihedral * half * place - 0.6 * engine_radius
            shell = CrossSection.circle(engine_radius, 32).extrude(0.3, scale_top=(0.75, 0.75)).rotate((0, -90, 0))
            parts.append(shell.translate((x, side * half * place, z)))
    return to_mesh(facing(largest(union(parts))))


def _panel(
    root: tuple[float, float, float],
    chord: float,
    tip: tuple[float, float, float],
    end: float,
    thickness: float,
    normal: int,
) -> Manifold:
    """A wing from root to tip (their front points), with symmetric sections; thickness: along the axis `normal`, as a
    fraction of the chord."""
    from manifold3d import Manifold

    s = (1 - np.cos(np.linspace(0, np.pi, 17))) / 2
    # NACA's four-digit sections (Jacobs et al. 1933), closed at the end.
    half = 5 * (0.2969 * np.sqrt(s) - 0.1260 * s - 0.3516 * s**2 + 0.2843 * s**3 - 0.1036 * s**4)
    rows = []
    for front, length in ((root, chord), (tip, end)):
        for way in (1, -1):
            section = np.tile(np.asarray(front, float), (len(s), 1))
            section[:, 0] -= length * s
            section[:, normal] += way * thickness * length * (half + 0.004)
            rows.append(section)
    return Manifold.hull_points(np.concatenate(rows))
