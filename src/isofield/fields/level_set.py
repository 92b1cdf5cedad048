"""Surfaces of a field f(x; z) as functions of its code z: by implicit differentiation, without a mesh.

A point of the surface that stays on it moves along the normal n = g / |g|, g = df/dx, by

    dx/dz = -n df/dz / |g|,        and a ray's way t to the surface by        dt/dz = -(df/dz) / (g . d)

(Atzmon, Haim, Yariv, Israelov, Maron and Lipman 2019, "Controlling Neural Level Sets"; Niemeyer, Mescheder, Oechsle and
Geiger 2020, "Differentiable Volumetric Rendering", eq. 11). Each function finds its places without gradients and then
attaches them by one step whose value is nothing and whose derivative is the above, so that derivatives flow to the
code, and to rays' origins and directions, through whatever made them.

Here a field is called with points (n, 3) and a code (l,) and gives (n,) distances, or bounds of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import torch
from torch import Tensor, nn

Field = Callable[[Tensor, Tensor], Tensor]

NEWTON = 12
STEPS = 200
CAUTION = 0.9
"""Share of the distance that a ray goes at once: learned distances may be some percent too long."""
TOLERANCE = 1e-4
"""How near to the surface a ray has met it."""
HALVINGS = 20
FLAT = 0.25
"""A slope's square counts as no less: one near 0 must not send a point away."""
ROWS = 64
"""Derivatives by the code that are taken at once."""


def slope(f: Field, x: Tensor, z: Tensor) -> Tensor:
    """df/dx (n, 3) at x (n, 3), differentiable in z where gradients are enabled."""
    attached = torch.is_grad_enabled()
    with torch.enable_grad():
        place = x if x.requires_grad else x.detach().requires_grad_(True)
        return torch.autograd.grad(f(place, z).sum(), place, create_graph=attached)[0]


def project(f: Field, x: Tensor, z: Tensor) -> Tensor:
    """The feet (n, 3) of points (n, 3) on the surface, by Newton's steps; differentiable in z, not in x."""
    with torch.no_grad():
        foot, code = x.detach(), z.detach()
        for _ in range(NEWTON):
            g = slope(f, foot, code)
            foot = foot - (f(foot, code) / g.square().sum(1).clamp(min=FLAT))[:, None] * g
    return held(f, foot, z)


def held(f: Field, x: Tensor, z: Tensor) -> Tensor:
    """Points (n, 3) of the surface, with dx/dz = -n df/dz / |df/dx|."""
    with torch.no_grad():
        g = slope(f, x, z.detach())
        step = g / g.square().sum(1, keepdim=True).clamp(min=FLAT)
    value = f(x.detach(), z)
    return x.detach() - (value - value.detach())[:, None] * step


def surface_derivative(f: Field, x: Tensor, z: Tensor) -> Tensor:
    """dx/dz (n, 3, l) of points x (n, 3) of the surface."""
    with torch.no_grad():
        g = slope(f, x, z.detach())
    step = g / g.square().sum(1, keepdim=True).clamp(min=FLAT)
    parts = [torch.func.jacrev(lambda code, some=some: f(some, code))(z.detach()) for some in x.detach().split(ROWS)]
    return -step[:, :, None] * torch.cat(parts)[:, None, :]


def trace(f: Field, origins: Tensor, directions: Tensor, z: Tensor, limit: float = 4.0) -> tuple[Tensor, Tensor]:
    """How far (n,) rays go from outside to the surface, and which (n,) of them meet it within `limit`.

    origins, directions: (n, 3), of unit length. Sphere tracing (Hart 1996); a step that goes through is halved. Where a
    ray misses, its way is `limit`, without derivatives.
    """
    with torch.no_grad():
        start, way, code = origins.detach(), directions.detach(), z.detach()
        gone = start.new_zeros(len(start))
        last, met = gone.clone(), torch.zeros(len(start), dtype=torch.bool, device=start.device)
        alive = torch.arange(len(start), device=start.device)
        for _ in range(STEPS):
            if not len(alive):
                break
            value = f(start[alive] + gone[alive, None] * way[alive], code)
            stop = value <= TOLERANCE
            met[alive[stop]] = True
            alive, value = alive[~stop], value[~stop]
            last[alive] = gone[alive]
            gone[alive] += (CAUTION * value).clamp(min=TOLERANCE)
            alive = alive[gone[alive] < limit]
        low, high = last[met], gone[met]
        high = high + 2 * TOLERANCE
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            out = f(start[met] + middle[:, None] * way[met], code) > 0
            low, high = torch.where(out, middle, low), torch.where(out, high, middle)
        x = start[met] + high[:, None] * way[met]
        across = (slope(f, x, code) * way[met]).sum(1)
        across = torch.where(across < 0, across.clamp(max=-0.05), across.clamp(min=0.05))  # at a grazing ray t is rough
    result = torch.full_like(gone, limit)
    value = f(origins[met] + high[:, None] * directions[met], z)
    return result.index_put((met.nonzero()[:, 0],), high - (value - value.detach()) / across), met


def least(f: Field, origins: Tensor, directions: Tensor, z: Tensor, limit: float = 4.0, count: int = 64) -> Tensor:
    """The least value (n,) of the field along rays: below 0 where a ray meets the shape, so that it draws a silhouette.

    It is looked for at `count` places to `limit`; by the envelope theorem its derivative by z is that of the field at
    the place where it is least.
    """
    with torch.no_grad():
        t = torch.linspace(0, limit, count, device=z.device, dtype=z.dtype)
        x = origins.detach()[:, None] + t[:, None] * directions.detach()[:, None]  # (n, count, 3)
        at = t[f(x.flatten(0, 1), z.detach()).view(x.shape[:2]).argmin(1)]
    return f(origins + at[:, None] * directions, z)


@final
class CodedField(nn.Module):
    """The field of one code, which is its parameter, in the normalised space: a layer of somebody else's network.

    space: f(x (b, n, 3), z (b, l)) -> (b, n), whose own weights stay as they are. code: (l,).
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
        return slope(self._value, x, self.code)

    def normals(self, x: Tensor) -> Tensor:
        """Outward unit normals (n, 3) of the level sets through x (n, 3)."""
        return nn.functional.normalize(self.gradient(x), dim=1)

    def project(self, x: Tensor) -> Tensor:
        """The feet (n, 3) of x (n, 3) on the surface."""
        return project(self._value, x, self.code)

    def surface_derivative(self, x: Tensor) -> Tensor:
        """How points x (n, 3) of the surface move with the code: (n, 3, l)."""
        return surface_derivative(self._value, x, self.code)

    def cast(self, origins: Tensor, directions: Tensor, limit: float = 4.0) -> tuple[Tensor, Tensor]:
        """How far (n,) rays (n, 3), (n, 3) go to the surface, and which (n,) of them meet it; see `trace`."""
        return trace(self._value, origins, directions, self.code, limit)

    def least(self, origins: Tensor, directions: Tensor, limit: float = 4.0) -> Tensor:
        """The least distance (n,) along rays; see `least`."""
        return least(self._value, origins, directions, self.code, limit)
