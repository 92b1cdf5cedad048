"""Chairs: a seat, a back of slats or of one piece, four legs with stretchers, and arms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isofield.families.build import facing, largest, positive, to_mesh, union

if TYPE_CHECKING:
    import trimesh
    from manifold3d import Manifold

RANGES: dict[str, tuple[float, float]] = {
    "width": (0.8, 1.3), "depth": (0.8, 1.1), "seat": (0.05, 0.16), "height": (0.6, 1.0), "back": (0.6, 1.3),
    "back_thickness": (0.04, 0.10), "tilt": (0.0, 0.3), "slats": (0, 6.999), "leg": (0.035, 0.08),
    "leg_taper": (0.5, 1.0), "splay": (0.0, 0.16), "stretcher": (-0.5, 0.7), "arms": (-0.5, 0.5), "dish": (0.0, 0.05),
}  # fmt: skip
"""Range of every parameter."""


def chair(
    width: float = 1.0,
    depth: float = 0.95,
    seat: float = 0.09,
    height: float = 0.8,
    back: float = 1.0,
    back_thickness: float = 0.06,
    tilt: float = 0.15,
    slats: float = 4,
    leg: float = 0.055,
    leg_taper: float = 0.7,
    splay: float = 0.08,
    stretcher: float = 0.3,
    arms: float = 0.3,
    dish: float = 0.02,
) -> trimesh.Trimesh:
    """One symmetric chair, its front to -z and y up, as in ShapeNet.

    width, depth, seat: of the seat, and its thickness. height: of its top. back: height of the back; back_thickness;
    tilt: backward offset of its top, as a fraction of its height. slats: number of uprights between the posts; below 2
    the back is one board. leg: half thickness at the top; leg_taper: at the foot, as a fraction of that; splay: outward
    offset of the feet. stretcher: height of the bars between the legs, as a fraction of the legs; none below 0. arms:
    height above the seat; none below 0.1. dish: depth of the hollow in the seat.
    """
    from manifold3d import Manifold

    positive(width=width, depth=depth, seat=seat, height=height, back=back, back_thickness=back_thickness, leg=leg)
    x, y, top = depth / 2, width / 2, height
    board = _beam((-x, 0, top - seat / 2), (x, 0, top - seat / 2), (y, seat / 2))
    if dish > 0.005:
        board -= Manifold.sphere(1.0, 64).scale((0.42 * depth, 0.42 * width, dish)).translate((0, 0, top))
    parts = [board]
    feet = {}
    for a in (1, -1):
        for b in (1, -1):
            up = np.array([a * (x - leg), b * (y - leg), top - seat / 2])
            down = np.array([a * (x - leg + splay), b * (y - leg + splay), 0.0])
            feet[a, b] = up, down
            parts.append(_between(down, up, leg_taper * leg, leg))
    if stretcher > 0:
        level = {k: down + stretcher * (up - down) for k, (up, down) in feet.items()}
        thin = 0.45 * leg * leg_taper
        parts += [_between(level[1, b], level[-1, b], thin, thin) for b in (1, -1)]
        left, right = ((level[1, b] + level[-1, b]) / 2 for b in (1, -1))
        parts.append(_between(left, right, thin, thin))
    lean = np.array([-tilt * back, 0, back])
    foot = np.array([-x + back_thickness / 2, 0, top - seat / 2])
    side = np.array([0, y - back_thickness / 2, 0])
    half = back_thickness / 2
    rails = [foot + share * lean for share in (0.45, 1.0)]
    if int(slats) < 2:
        parts.append(_hull(foot - side, foot + side, foot - side + lean, foot + side + lean, half=half))
    else:
        parts += [_between(foot + way * side, foot + way * side + lean, half, half) for way in (1, -1)]
        parts.append(_hull(rails[1] - side, rails[1] + side, half=half))
        for place in np.linspace(-1, 1, int(slats) + 2)[1:-1]:
            parts.append(_between(foot + place * side, foot + place * side + lean, 0.6 * half, 0.6 * half))
    if arms > 0.1:
        for way in (1, -1):
            start = foot + way * side + lean * (arms / back)
            front = np.array([x - 2 * leg, way * (y - leg), top + arms])
            parts.append(_between(start, front, 0.7 * leg, 0.7 * leg))
            parts.append(_between(front, front - [0, 0, arms + seat / 2], 0.6 * leg, 0.6 * leg))
    return to_mesh(facing(largest(union(parts))))


def _beam(one: tuple[float, float, float], two: tuple[float, float, float], half: tuple[float, float]) -> Manifold:
    """A board with rounded edges along x; half: its half width (y) and half thickness (z)."""
    ends = [np.asarray(end, float) + [0, way * (half[0] - half[1]), 0] for end in (one, two) for way in (1, -1)]
    return _hull(*ends, half=half[1])


def _between(one: np.ndarray, two: np.ndarray, first: float, second: float) -> Manifold:
    """A round bar between two points, with a radius at each end."""
    from manifold3d import Manifold

    return Manifold.batch_hull([Manifold.sphere(r, 24).translate(tuple(p)) for p, r in ((one, first), (two, second))])


def _hull(*corners: np.ndarray, half: float) -> Manifold:
    """The convex hull of balls centred at the corners."""
    from manifold3d import Manifold

    ball = Manifold.sphere(half, 24)
    return Manifold.batch_hull([ball.translate(tuple(corner)) for corner in corners])
