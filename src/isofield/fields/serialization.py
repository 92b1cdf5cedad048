"""Fields as JSON-plain data and tensors, and back; and networks by name.

A field of another package can be stored, too: its class meets `Storable` and is declared under its own name in the
entry point group `isofield.fields`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from isofield.errors import InputError, MissingPartError
from isofield.fields.array_field import ArrayField
from isofield.fields.autoencoder import Autoencoder, Conditioned, PictureVotes
from isofield.fields.basis_encoder import BasisEncoder
from isofield.fields.csg import Csg, Offset, Transformed
from isofield.fields.decoder import Decoder, LatentField
from isofield.fields.feature_planes import PlaneDecoder, PlaneEncoder
from isofield.fields.geometric_decoder import GeometricDecoder
from isofield.fields.grid import SparseGrid
from isofield.fields.grid_residual import GridResidual
from isofield.fields.hash_grid import HashGrid
from isofield.fields.hypernetwork import Hypernetwork
from isofield.fields.meta_network import MetaNetwork
from isofield.fields.meta_pca import MetaPca
from isofield.fields.mlp import Activation, Mlp
from isofield.fields.occupancy_field import OccupancyField
from isofield.fields.pca_grid import PcaGrid
from isofield.fields.pca_mlp import PcaMlp
from isofield.fields.point_net import PointNet
from isofield.fields.resnet import ResNet
from isofield.fields.set_encoder import SetEncoder
from isofield.fields.siren import Siren
from isofield.fields.triangles import Triangles
from isofield.fields.unsigned import Unsigned
from isofield.fields.voxel_encoder import VoxelEncoder
from isofield.fields.weight_network import WeightNetwork

GROUP = "isofield.fields"
"""Entry points of other packages: the name of a class, and the class."""


@runtime_checkable
class Storable(Protocol):
    """What a class of modules needs so that `describe` and `build` can store it.

    The class of a field f(x) also states `kind`, a word for people, and `cube_only`: whether it is valid only inside
    the cube [-1, 1]^3 (`fields.evaluation`).
    """

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, JSON-plain. Values may be modules, or lists of modules, held by attributes of
        the same names."""


@runtime_checkable
class Rebuilt(Storable, Protocol):
    """What a class of modules needs whose constructor takes more than `config()` gives."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> Any:
        """A module of the settings of `config()`, whose parts are built. `state` holds its tensors, which are loaded
        after this."""


BUILT_IN: dict[str, type[Storable]] = {
    cls.__name__: cls
    for cls in (
        Autoencoder, BasisEncoder, Conditioned, Csg, Decoder, GeometricDecoder, GridResidual, HashGrid, Hypernetwork,
        LatentField, MetaNetwork, MetaPca, Mlp, OccupancyField, Offset, PcaGrid, PcaMlp, PictureVotes, PlaneDecoder,
        PlaneEncoder, PointNet, ResNet, SetEncoder, Siren, SparseGrid, Transformed, Triangles, Unsigned, VoxelEncoder,
        WeightNetwork,
    )
}  # fmt: skip


def network(
    kind: str, width: int, layers: int, w0: float, activation: Activation, radius: float, generator: torch.Generator
) -> nn.Module:
    """A network to learn: "siren", "mlp" (geometric initialisation, a skip in the middle of eight layers and more) or
    "hashgrid"; the last two start about as the distance to the sphere of `radius`. Raises ValueError for another kind.
    """
    match kind:
        case "siren":
            return Siren(width, layers, w0, generator)
        case "mlp":
            return Mlp((width,) * layers, (layers // 2,) if layers > 3 else (), activation, radius, generator)
        case "hashgrid":
            return HashGrid(width, layers, radius=radius, generator=generator)
    raise ValueError(f"unknown kind of network {kind!r}")


def storable(name: str) -> type[Storable]:
    """The class of modules with this name. Raises MissingPartError for an unknown name, and ValueError for a class that
    is not `Storable`."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    for point in entry_points(group=GROUP, name=name):
        found = point.load()
        if issubclass(found, Storable):
            return found
        raise ValueError(f"{point.value} lacks config")
    raise MissingPartError(f"no installed package declares the type of field {name!r}")


def of_arrays(field: ArrayField) -> nn.Module:
    """A field of arrays as a module that shares their memory; it does not learn."""
    module: Any = storable(field.stored_as)
    return module.of(field).eval().requires_grad_(False)


def describe(field: nn.Module) -> dict[str, Any]:
    """A field as JSON-plain data for `build`. Raises InputError for a class that is not stored by this name."""
    name = type(field).__name__
    try:
        known = storable(name) is type(field)
    except ValueError:
        known = False
    if not known or not isinstance(field, Storable):
        raise InputError(
            f"a field of the class {name} cannot be saved: declare the class as an entry point {name!r} of {GROUP!r}."
        )
    return {"type": name, **{key: _described(value) for key, value in field.config().items()}}


def _described(value: Any) -> Any:
    if isinstance(value, nn.Module):
        return describe(value)
    return [_described(one) for one in value] if isinstance(value, list) else value


def tensors(field: nn.Module) -> dict[str, Tensor]:
    """A field's tensors by name, for a safetensors file."""
    state = {name: value.detach().cpu().contiguous() for name, value in field.state_dict().items()}
    first: dict[int, str] = {}  # safetensors refuses shared memory: a part that occurs twice is copied
    return {n: v.clone() if first.setdefault(v.data_ptr(), n) != n else v for n, v in state.items()}


def build(description: Mapping[str, Any], state: Mapping[str, Tensor]) -> nn.Module:
    """The field that `describe` and `tensors` were taken from.

    Raises KeyError, ValueError, TypeError or RuntimeError where description and tensors do not belong together.
    """
    config = {key: _built(value, state, f"{key}.") for key, value in description.items() if key != "type"}
    cls: Any = storable(description["type"])
    field: nn.Module = cls.from_config(config, state) if issubclass(cls, Rebuilt) else cls(**config)
    field.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()})
    return field


def _built(value: Any, state: Mapping[str, Tensor], prefix: str) -> Any:
    if isinstance(value, list):
        return [_built(one, state, f"{prefix}{index}.") for index, one in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    return build(value, {name.removeprefix(prefix): one for name, one in state.items() if name.startswith(prefix)})
