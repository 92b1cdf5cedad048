"""A few steps of gradient descent that are differentiable themselves (Finn et al. 2017, MAML)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def unroll(
    loss: Callable[[Tensor], Tensor], code: Tensor, rates: Sequence[Tensor], *, order: int = 2
) -> tuple[Tensor, Tensor]:
    """Codes (b, l) after a step z <- z - rate * d loss / d z for each of the rates, and the losses (k + 1, b) of all
    shapes before each of these steps and after the last, without a gradient.

    loss: of codes (b, l) to (b,), each a function of its own code alone: their sum is differentiated, so that a shape's
    step does not depend on the others. rates: each broadcasts to (b, l). order: 2: the result is differentiable by the
    first codes, the rates, and all that the loss depends on; 1: the gradients of the steps count as constants (Finn et
    al. 2017, section 5.2); 0: it is not differentiable, and keeps no graph.
    """
    seen = []
    if order == 0:
        code = code.detach()
    for rate in rates:
        with torch.enable_grad():
            at = code if code.requires_grad and order == 2 else code.detach().requires_grad_()
            value = loss(at)
            (gradient,) = torch.autograd.grad(value.sum(), [at], create_graph=order == 2)
        seen.append(value.detach())
        code = code - rate * gradient
        if order == 0:
            code = code.detach()
    with torch.no_grad():
        seen.append(loss(code))
    return code, torch.stack(seen)


def unroll_finite(
    loss: Callable[[Tensor, Tensor], Tensor], code: Tensor, rates: Sequence[Tensor], *, order: int = 2
) -> tuple[Tensor, int]:
    """`unroll`, but shapes whose codes or losses would not be finite keep their first ones; and how many these are.

    loss: of codes (b, l) and the rows (b,) that they belong to, of all codes, to (b,).
    """
    rows = torch.arange(len(code), device=code.device)
    found, losses = unroll(lambda z: loss(z, rows), code, rates, order=order)
    right = torch.nonzero(found.detach().isfinite().all(1) & losses[-1].isfinite())[:, 0]
    if len(right) == len(rows):
        return found, 0
    found = code.clone()  # computed again without those shapes: their gradients would not be finite, either
    if len(right):
        found[right] = unroll(lambda z: loss(z, right), code[right], rates, order=order)[0]
    return found, len(rows) - len(right)
