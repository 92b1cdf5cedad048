"""Curves as a picture: what a training tells of itself."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isofield.render.figures import INK, PALE, save

COLORS = ((31, 98, 172), (206, 92, 32), (46, 139, 87), (142, 68, 173), (190, 40, 60), (60, 150, 170), (120, 110, 30))
GRID, PAPER = (228, 231, 235), (255, 255, 255)
LEFT, RIGHT, TOP, BOTTOM = 84, 24, 44, 40
"""Room around the frame of a chart, in pixels."""


@dataclass(frozen=True)
class Chart:
    """Curves over the same axis: title, and values (n,) by name over x (n,). log: the heights are logarithms."""

    title: str
    x: Sequence[float]
    curves: Mapping[str, Sequence[float]]
    log: bool = False


def charts(some: Sequence[Chart], path: str | os.PathLike[str], *, size: tuple[int, int] = (640, 360)) -> np.ndarray:
    """Writes a picture of charts in two columns, each of `size` (width, height); gives it back, (h, w, 3) uint8.

    Raises InputError where the file cannot be written.
    """
    from PIL import Image, ImageDraw

    width, height = size
    image = Image.new("RGB", (2 * width, -(-len(some) // 2) * height), PAPER)
    for place, chart in enumerate(some):
        part = Image.new("RGB", size, PAPER)
        _draw(ImageDraw.Draw(part), chart, size)
        image.paste(part, (place % 2 * width, place // 2 * height))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    save(np.asarray(image), path)
    return np.asarray(image)


def _draw(draw, chart: Chart, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    from PIL import ImageFont

    font, title = ImageFont.load_default(size=13), ImageFont.load_default(size=16)
    width, height = size
    x = np.asarray(chart.x, float)
    known = {name: np.asarray(values, float) for name, values in chart.curves.items()}
    shown = np.concatenate([*known.values(), np.zeros(0)])
    shown = shown[np.isfinite(shown) & ((shown > 0) | (not chart.log))]
    low, high = (float(shown.min()), float(shown.max())) if len(shown) else (0.0, 1.0)
    scale = np.log10 if chart.log else np.asarray
    ticks = _decades(low, high) if chart.log else _ticks(low, high)
    bottom, top = float(scale(min(low, ticks[0]))), float(scale(max(high, ticks[-1])))
    right, foot = width - RIGHT, height - BOTTOM

    def across(v: np.ndarray) -> np.ndarray:
        span = max(float(np.ptp(x)), 1e-12)
        return LEFT + (v - x.min()) / span * (right - LEFT)

    def up(v: np.ndarray) -> np.ndarray:
        return foot - (scale(v) - bottom) / max(top - bottom, 1e-12) * (foot - TOP)

    for tick in ticks:
        y = float(up(np.array(tick)))
        draw.line([(LEFT, y), (right, y)], fill=GRID)
        draw.text((LEFT - 8, y), f"{tick:.3g}", fill=PALE, font=font, anchor="rm")
    for tick in _ticks(float(x.min()), float(x.max())):
        if x.min() <= tick <= x.max():
            at = float(across(np.array(tick)))
            draw.line([(at, TOP), (at, foot)], fill=GRID)
            draw.text((at, foot + 12), f"{tick:g}", fill=PALE, font=font, anchor="mm")
    draw.text((LEFT, 16), chart.title, fill=INK, font=title, anchor="lm")
    place = LEFT + draw.textlength(chart.title, font=title) + 24
    for (name, values), color in zip(known.items(), COLORS * (len(known) // len(COLORS) + 1), strict=False):
        good = np.isfinite(values) & ((values > 0) | (not chart.log))
        points = list(zip(across(x[good]).tolist(), up(values[good]).tolist(), strict=True))
        if len(points) > 1:
            draw.line(points, fill=color, width=2)
        draw.text((place, 16), name, fill=color, font=font, anchor="lm")
        place += draw.textlength(name, font=font) + 16


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten, or 1, 2 and 5 of them, around positive numbers."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(max(high, low)))
    fine = (1, 2, 5) if last - first <= 2 else (1,)
    every = [step * 10.0**power for power in range(first, last + 1) for step in fine]
    below, above = [t for t in every if t <= low * 1.0001], [t for t in every if t >= high * 0.9999]
    return [t for t in every if below[-1] <= t <= above[0]]


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers around these."""
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / 5))
    step = next(power * m for m in (1, 2, 5, 10) if span / (power * m) <= 5.001)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [k * step for k in range(first, max(last, first + 1) + 1)]
