"""Zero sets of fields without a mesh: Newton projection and sphere tracing, differentiable by a code.

A point of the surface of f(x; z) that stays on the surface while the code z changes moves along the normal n = g / |g|,
g = df/dx, and the length t of a ray to the surface changes:

    dx/dz = -n (df/dz) / |g|,        dt/dz = -(df/dz) / (g . d)

(Atzmon, Haim, Yariv, Israelov, Maron and Lipman 2019, "Controlling Neural Level Sets"; Niemeyer, Mescheder, Oechsle and
Geiger 2020, "Differentiable Volumetric Rendering", eq. 11). Each function finds its points without gradients and then
adds one term whose value is zero and whose derivative is the above, so that derivatives flow to the code, and to the
origins and directions of rays.

A `Field` is called with points (n, 3) and a code (l,), and returns (n,) distances or bounds of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import torch
from torch import Tensor, nn

Field = Callable[[Tensor, Tensor], Tensor]
Distance = Callable[[Tensor], Tensor]

NEWTON_STEPS = 12
TRACING_STEPS = 200
STEP_FRACTION = 0.9
"""Fraction of the distance that a ray advances in one step: learned distances may be a few percent too long."""
TOLERANCE = 1e-4
"""A ray this close to the surface has reached it."""
HALVINGS = 20
LEAST_SQUARED_SLOPE = 0.25
"""Lower bound of |grad f|^2 in a Newton step, so that flat spots do not throw points away."""
ROWS = 64
"""Derivatives by the code that are computed at once."""


def newton(distance: Distance, gradient: Distance, x: Tensor, tolerance: float = 0.0) -> Tensor:
    """Points x (n, 3) projected onto the zero set: x <- x - f grad f / |grad f|^2, while |f| >= tolerance."""
    x, active = x.clone(), torch.arange(len(x), device=x.device)
    for _ in range(NEWTON_STEPS):
        value = distance(x[active])
        far = value.abs() >= tolerance
        active, value = active[far], value[far]
        if not len(active):
            break
        g = gradient(x[active])
        x[active] -= (value / g.square().sum(1).clamp(min=LEAST_SQUARED_SLOPE))[:, None] * g
    return x


def march(
    distance: Distance, origins: Tensor, directions: Tensor, limit: Tensor, tolerance: float, steps: int, sign: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Sphere tracing (Hart 1996) of rays (n, 3), (n, 3) with unit directions until sign * distance <= tolerance.

    limit: (n,) the longest length. sign: (n,) 1 for rays that start outside, -1 for rays that start inside. Returns for
    each ray (n,) the length before its last step, its length, and sign * distance at its end, infinite for a ray that
    does not reach the surface.
    """
    length = origins.new_zeros(len(origins))
    before, end = length.clone(), torch.full_like(length, torch.inf)
    active = torch.arange(len(length), device=length.device)
    for _ in range(steps):
        if not len(active):
            break
        value = sign[active] * distance(origins[active] + length[active, None] * directions[active])
        stop = value <= tolerance
        end[active[stop]] = value[stop]
        active, value = active[~stop], value[~stop]
        before[active] = length[active]
        length[active] += (STEP_FRACTION * value).clamp(min=tolerance)
        active = active[length[active] <= limit[active]]
    return before, length, end


def bisect(outside: Distance, low: Tensor, high: Tensor, halvings: int) -> tuple[Tensor, Tensor]:
    """Halve the intervals (n,) from low to high, where `outside` (n,) -> (n,) bool changes from true to false."""
    for _ in range(halvings):
        middle = (low + high) / 2
        out = outside(middle)
        low, high = torch.where(out, middle, low), torch.where(out, high, middle)
    return low, high


def gradient(f: Field, x: Tensor, z: Tensor) -> Tensor:
    """df/dx (n, 3) at x (n, 3), differentiable by z where gradients are enabled."""
    attached = torch.is_grad_enabled()
    with torch.enable_grad():
        at = x if x.requires_grad else x.detach().requires_grad_(True)
        return torch.autograd.grad(f(at, z).sum(), at, create_graph=attached)[0]


def project(f: Field, x: Tensor, z: Tensor) -> Tensor:
    """The projections (n, 3) of points (n, 3) onto the surface, by Newton steps; differentiable by z, not by x."""
    with torch.no_grad():
        code = z.detach()
        foot = newton(lambda at: f(at, code), lambda at: gradient(f, at, code), x.detach())
    return attach(f, foot, z)


def attach(f: Field, x: Tensor, z: Tensor) -> Tensor:
    """Points x (n, 3) of the surface, with the derivative dx/dz = -n (df/dz) / |df/dx|."""
    value = f(x.detach(), z)
    return x.detach() - (value - value.detach())[:, None] * _newton_step(f, x, z)


def surface_derivative(f: Field, x: Tensor, z: Tensor) -> Tensor:
    """dx/dz (n, 3, l) at points x (n, 3) of the surface."""
    parts = [torch.func.jacrev(lambda code, some=some: f(some, code))(z.detach()) for some in x.detach().split(ROWS)]
    return -_newton_step(f, x, z)[:, :, None] * torch.cat(parts)[:, None, :]


def _newton_step(f: Field, x: Tensor, z: Tensor) -> Tensor:
    """g / |g|^2 (n, 3) with g = df/dx."""
    with torch.no_grad():
        g = gradient(f, x, z.detach())
    return g / g.square().sum(1, keepdim=True).clamp(min=LEAST_SQUARED_SLOPE)


def trace(f: Field, origins: Tensor, directions: Tensor, z: Tensor, limit: float = 4.0) -> tuple[Tensor, Tensor]:
    """Lengths (n,) of rays from outside to the surface, and which (n,) of the rays reach it within `limit`.

    origins, directions: (n, 3), directions of unit length. The last step is bisected (see `march`). A ray that misses
    has the length `limit`, without derivatives.
    """
    with torch.no_grad():
        start, way, code = origins.detach(), directions.detach(), z.detach()
        ones = start.new_ones(len(start))
        before, length, end = march(
            lambda at: f(at, code), start, way, limit * ones, TOLERANCE, TRACING_STEPS, ones
        )  # fmt: skip
        met = end <= TOLERANCE

        def outside(t: Tensor) -> Tensor:
            return f(start[met] + t[:, None] * way[met], code) > 0

        _, high = bisect(outside, before[met], length[met] + 2 * TOLERANCE, HALVINGS)
        x = start[met] + high[:, None] * way[met]
        across = (gradient(f, x, code) * way[met]).sum(1)
        across = torch.where(across < 0, across.clamp(max=-0.05), across.clamp(min=0.05))  # t is rough at grazing rays
    result = torch.full_like(length, limit)
    value = f(origins[met] + high[:, None] * directions[met], z)
    return result.index_put((met.nonzero()[:, 0],), high - (value - value.detach()) / across), met


def least(f: Field, origins: Tensor, directions: Tensor, z: Tensor, limit: float = 4.0, count: int = 64) -> Tensor:
    """The smallest value (n,) of the field along rays; below 0 where a ray meets the shape, so it draws a silhouette.

    Each ray is sampled at `count` points up to `limit`. By the envelope theorem the derivative by z is the field's
    at the point of the smallest value.
    """
    with torch.no_grad():
        t = torch.linspace(0, limit, count, device=z.device, dtype=z.dtype)
        x = origins.detach()[:, None] + t[:, None] * directions.detach()[:, None]  # (n, count, 3)
        at = t[f(x.flatten(0, 1), z.detach()).view(x.shape[:2]).argmin(1)]
    return f(origins + at[:, None] * directions, z)


@final
class CodedField(nn.Module):
    """The field of one code, which is its parameter, in the normalised space: a layer for other networks.

    space: f(x (b, n, 3), z (b, l)) -> (b, n), whose own weights are frozen. code: (l,).
    """

    def __init__(self, space: nn.Module, code: Tensor) -> None:
        super().__init__()
        self.space, self.code = space.requires_grad_(False), nn.Parameter(code.detach().clone())

    def _value(self, x: Tensor, z: Tensor) -> Tensor:
        value: Tensor = self.space(x[None], z[None])
        return value[0]

    def forward(self, x: Tensor) -> Tensor:
        """Distances (n,) at x (n, 3)."""
        return self._value(x, self.code)

    def gradient(self, x: Tensor) -> Tensor:
        """Gradients (n, 3) of the distance by x (n, 3)."""
        return gradient(self._value, x, self.code)

    def normals(self, x: Tensor) -> Tensor:
        """Outward unit normals (n, 3) of the level sets through x (n, 3)."""
        return nn.functional.normalize(self.gradient(x), dim=1)

    def project(self, x: Tensor) -> Tensor:
        """The projections (n, 3) of x (n, 3) onto the surface."""
        return project(self._value, x, self.code)

    def surface_derivative(self, x: Tensor) -> Tensor:
        """Derivatives (n, 3, l) of points x (n, 3) of the surface by the code."""
        return surface_derivative(self._value, x, self.code)

    def cast(self, origins: Tensor, directions: Tensor, limit: float = 4.0) -> tuple[Tensor, Tensor]:
        """Lengths (n,) of rays (n, 3), (n, 3) to the surface, and which (n,) of them reach it; see `trace`."""
        return trace(self._value, origins, directions, self.code, limit)

    def least(self, origins: Tensor, directions: Tensor, limit: float = 4.0) -> Tensor:
        """The smallest distance (n,) along rays; see `least`."""
        return least(self._value, origins, directions, self.code, limit)
