"""Signs for unsigned samples, out of a field that is near the shape."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from isofield.fields.evaluation import value_and_gradient
from isofield.types import SdfSamples

CLOSE, ALONG = 0.03, 0.5
"""A sample nearer to the surface than this gets its sign from the gradient of the field, where the cosine between that
and its direction has at least this absolute value: a field that is a little displaced there has the right gradient but
not the right sign."""
AGREEING = 0.5
"""Farther away it gets the sign of the field, where |f| is at least this share of its distance, and the gradient agrees
with it."""
ROWS = 1 << 14
"""Samples whose values and gradients are computed at once."""


def signed_by(field: nn.Module, rows: np.ndarray) -> SdfSamples:
    """Unsigned samples (n, 7) with the signs of a field (n, 3) -> (n,), where it is certain of them."""
    x = torch.from_numpy(np.array(rows[:, :3], np.float32))
    with torch.no_grad():
        value, gradient = (
            torch.cat(parts).numpy()
            for parts in zip(*(value_and_gradient(field, some) for some in x.split(ROWS)), strict=True)
        )
    distance = np.asarray(rows[:, 3], np.float32)
    along = (gradient * rows[:, 4:]).sum(1) / np.maximum(np.linalg.norm(gradient, axis=1), 1e-12)
    close = distance < CLOSE
    kept = np.where(close, np.abs(along) >= ALONG, (np.abs(value) >= AGREEING * distance) & (along * value > 0))
    signed = np.copysign(distance, np.where(close, along, value))
    return SdfSamples(x.numpy()[kept], signed[kept])
