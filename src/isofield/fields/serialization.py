"""The one place that makes networks by name, and turns a field into plain data and tensors, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from isofield.fields.csg import Csg, Offset, Transformed
from isofield.fields.decoder import Decoder, LatentField
from isofield.fields.grid import SparseGrid
from isofield.fields.grid_residual import GridResidual
from isofield.fields.hash_grid import HashGrid
from isofield.fields.mlp import Activation, Mlp
from isofield.fields.pca_grid import PcaGrid
from isofield.fields.pca_mlp import PcaMlp
from isofield.fields.siren import Siren


def network(
    kind: str, width: int, layers: int, w0: float, activation: Activation, radius: float, generator: torch.Generator
) -> nn.Module:
    """A network to learn: "siren", "mlp" (geometric initialisation, a skip in the middle of eight layers and more) or
    "features"; those but the first start about as the distance to the sphere of `radius`. Raises ValueError for
    another kind.
    """
    match kind:
        case "siren":
            return Siren(width, layers, w0, generator)
        case "mlp":
            return Mlp((width,) * layers, (layers // 2,) if layers > 3 else (), activation, radius, generator)
        case "hashgrid":
            return HashGrid(width, layers, radius=radius, generator=generator)
    raise ValueError(f"unknown kind of network {kind!r}")


def describe(field: nn.Module) -> dict[str, Any]:
    """A field as JSON-plain data, for `build`; raises TypeError for a module that is not isofield's."""
    match field:
        case SparseGrid():
            return {"type": "grid", "side": field.side, "shape": list(field.shape), "levels": field.levels}
        case GridResidual():
            return {"type": "refined", "grid": describe(field.grid), "network": describe(field.network)}
        case Mlp():
            return {"type": "mlp", **field.config()}
        case Siren():
            return {"type": "siren", **field.config()}
        case HashGrid():
            return {"type": "features", **field.config()}
        case Transformed():
            return {"type": "moved", "part": describe(field.part)}
        case Csg():
            parts = [describe(part) for part in field.parts]
            return {"type": "combined", "operation": field.operation, "parts": parts}
        case Offset():
            return {"type": "layer", "part": describe(field.part), **field.config()}
        case PcaGrid():
            return {"type": "components", **field.config()}
        case Decoder():
            return {"type": "decoder", **field.config()}
        case PcaMlp():
            return {"type": "sharpened", "coarse": describe(field.coarse), **field.config()}
        case LatentField():
            return {"type": "coded", "space": describe(field.space)}
    raise TypeError(f"{type(field).__name__} cannot be written to a field folder")


def tensors(field: nn.Module) -> dict[str, Tensor]:
    """A field's tensors by name, for a safetensors file."""
    state = {name: value.detach().cpu().contiguous() for name, value in field.state_dict().items()}
    first: dict[int, str] = {}  # a file holds a tensor once; what is made of one field twice shares its tensors
    return {n: v.clone() if first.setdefault(v.data_ptr(), n) != n else v for n, v in state.items()}


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
            return GridResidual(grid, build(rest["network"], _below(state, "network.")))
        case "moved":
            return Transformed(build(rest["part"], _below(state, "part.")), state["matrix"], state["shift"])
        case "combined":
            parts = [build(part, _below(state, f"parts.{index}.")) for index, part in enumerate(rest["parts"])]
            return Csg(rest["operation"], parts)
        case "layer":
            return Offset(build(rest["part"], _below(state, "part.")), rest["outer"], rest["inner"])
        case "components":
            held = [torch.as_tensor(state[name]) for name in ("mean", "rows", "steps", "odd")]
            return PcaGrid(rest["cells"], rest["mirrored"], *held)
        case "sharpened":
            coarse = build(rest.pop("coarse"), _below(state, "coarse."))
            if not isinstance(coarse, PcaGrid):
                raise ValueError("a sharpened space's coarse part is no linear space")
            field = PcaMlp(coarse, **rest)
        case "coded":
            return LatentField(build(rest["space"], _below(state, "space.")), torch.as_tensor(state["code"]))
        case "decoder":
            field = Decoder(**rest)
        case "mlp":
            field = Mlp(**rest)
        case "siren":
            field = Siren(**rest)
        case "hashgrid":
            field = HashGrid(**rest)
        case unknown:
            raise ValueError(f"unknown type of field {unknown!r}")
    field.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()})
    return field


def _below(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
