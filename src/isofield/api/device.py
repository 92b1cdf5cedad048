"""Where to compute."""

from __future__ import annotations

import torch

from isofield.errors import InputError


def chosen_device(device: str) -> str:
    """cpu or cuda; auto is cuda where there is one. Raises InputError for another name, and for a missing device."""
    if device not in ("auto", "cpu", "cuda"):
        raise InputError(f"device {device!r} is unknown: take auto, cpu or cuda.")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("torch finds no CUDA device here: take --device cpu.")
    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
