"""The network of a field as an ONNX program."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from isofield.api.sdf import SDF
from isofield.errors import InputError
from isofield.fields.evaluation import value

OPSET = 18


class _UserUnits(nn.Module):
    """Distances in the user's units at points in the user's units."""

    center: Tensor

    def __init__(self, sdf: SDF) -> None:
        super().__init__()
        self.field, self.scale = sdf.module, sdf.similarity.scale
        self.register_buffer("center", torch.tensor(sdf.similarity.center, dtype=torch.float32))

    def forward(self, points: Tensor) -> Tensor:
        return value(self.field, (points - self.center) * self.scale) / self.scale


def onnx_network(sdf: SDF, path: Path) -> bytes:
    """The content of an .onnx file: points (n, 3) float32 to distances (n,) in the user's units.

    Raises InputError for another field than a network, and where a package is missing; path: named by the errors.
    """
    if sdf.kind != "network":
        raise InputError(
            f"{path} cannot represent this field: .onnx needs a network, and this field is of the kind {sdf.kind!r}; "
            "export its samples (.npz), or a field of --method neural-pull."
        )
    try:
        import onnx
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise InputError(f"{path} needs the package {error.name}: pip install 'isofield[onnx]'.") from None
    module, points = _UserUnits(sdf).eval(), torch.zeros(5, 3)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module, (points,), dynamo=True, opset_version=OPSET, input_names=["points"], output_names=["distances"],
            dynamic_shapes=({0: torch.export.Dim("n", min=1)},), verbose=False,
        )  # fmt: skip
    if program is None:
        raise RuntimeError("torch gave no ONNX program")
    onnx.checker.check_model(program.model_proto)
    return program.model_proto.SerializeToString()
