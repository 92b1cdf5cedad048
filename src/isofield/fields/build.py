"""The one place that turns a field into plain data and tensors, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from isofield.fields.grid import SparseGrid
from isofield.fields.mlp import Mlp
from isofield.fields.refined import Refined
from isofield.fields.siren import Siren


def describe(field: nn.Module) -> dict[str, Any]:
    """A field as JSON-plain data, for `build`; raises TypeError for a module that is not isofield's."""
    match field:
        case SparseGrid():
            return {"type": "grid", "side": field.side, "shape": list(field.shape), "levels": field.levels}
        case Refined():
            return {"type": "refined", "grid": describe(field.grid), "network": describe(field.network)}
        case Mlp():
            return {"type": "mlp", **field.config()}
        case Siren():
            return {"type": "siren", **field.config()}
    raise TypeError(f"{type(field).__name__} cannot be written to a field folder")


def tensors(field: nn.Module) -> dict[str, Tensor]:
    """A field's tensors by name, for a safetensors file."""
    return {name: value.detach().cpu().contiguous() for name, value in field.state_dict().items()}


def build(description: Mapping[str, Any], state: Mapping[str, Tensor]) -> nn.Module:
    """The field that `describe` and `tensors` were taken from.

    Raises KeyError, ValueError, TypeError or RuntimeError where description and tensors do not belong together.
    """
    rest = {key: value for key, value in description.items() if key != "type"}
    field: nn.Module
    match description["type"]:
        case "grid":
            levels = range(int(rest["levels"]))
            cells = [state[f"cells_{level}"].numpy() for level in levels]
            values = [state[f"values_{level}"].numpy() for level in levels]
            return SparseGrid(state["origin"].tolist(), rest["side"], rest["shape"], cells, values)
        case "refined":
            grid = build(rest["grid"], _below(state, "grid."))
            if not isinstance(grid, SparseGrid):
                raise ValueError("a refined field's grid is not a grid")
            return Refined(grid, build(rest["network"], _below(state, "network.")))
        case "mlp":
            field = Mlp(**rest)
        case "siren":
            field = Siren(**rest)
        case unknown:
            raise ValueError(f"unknown type of field {unknown!r}")
    field.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()})
    return field


def _below(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
