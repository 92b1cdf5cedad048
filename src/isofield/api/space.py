"""A space of shapes: the codes of shapes, the fields of codes, and new codes."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import torch
from scipy.spatial.distance import cdist
from torch import Tensor, nn

from isofield.api.field import chosen_device
from isofield.api.folder import read_folder, write_folder
from isofield.api.observations import ShapeSamples, Source, observe
from isofield.api.sdf import SDF
from isofield.configs import PrepareConfig
from isofield.configs.methods import SPACES, changed, find_method
from isofield.configs.preparing import OF_PICTURES, prepare_config
from isofield.errors import InputError, did_you_mean, with_article
from isofield.fields.csg import Transformed
from isofield.fields.decoder import LatentField
from isofield.fields.level_set import CodedField
from isofield.folder_format import SPACE
from isofield.points import spacing
from isofield.types import IDENTITY, Pose, Similarity, Space, triple, with_parts

MARGIN = 0.02
"""Margin of the box around the surface of a code, beyond the ball of the normalised shapes."""
NEIGHBOURS = 4
"""Nearest training shapes that a new code is mixed of."""


@dataclass(frozen=True)
class TrainingShape:
    """A shape that a space was trained with: id, class, and the similarity from its units to the normalised space."""

    id: str
    label: str
    similarity: Similarity


@dataclass(frozen=True)
class Pca:
    """Principal components of codes: axes (k, l) of unit length and the deviations (k,) of codes along them."""

    axes: np.ndarray
    deviations: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class ShapeSpace:
    """A learned space of shapes.

    module: f(x (b, n, 3), z (b, l)) -> (b, n), distances in the normalised space; for pictures x is (b, n, 2), and the
    values of images are (b, n, c). codes: (n, l) float32 of the training shapes, in the order of `shapes`. method,
    config: its method and the settings. prepare: how training shapes were sampled, and unseen shapes are. provenance:
    the data, seed and version it was learned with.
    """

    module: nn.Module
    codes: np.ndarray
    shapes: list[TrainingShape]
    method: str
    config: Any
    prepare: PrepareConfig
    provenance: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"ShapeSpace(method={self.method!r}, shapes={len(self.shapes)}, length={self.length})"

    @cached_property
    def space(self) -> Space:
        """The method with what it learned. Raises InputError where the package of the method is missing."""
        method: Space = find_method(self.method, SPACES).method(self.config)
        return with_parts(method, self.module, torch.from_numpy(self.codes))

    def inferring(self, by: str | None, device: str = "cpu") -> Space:
        """The method with another setting `infer_by`, None for its own, on a device: auto, cpu or cuda.

        Raises InputError for an unknown setting, and where there is no such device.
        """
        method = self._by(by)
        if chosen_device(device) == "cpu":
            return method
        return with_parts(method, copy.deepcopy(self.module).to("cuda"), method.table.to("cuda"))

    def _by(self, by: str | None) -> Space:
        """The method with another setting `infer_by`, or its own."""
        if by is None:
            return self.space
        if not hasattr(self.config, "infer_by"):
            raise InputError(f"{with_article(self.method)} space has one way to infer codes: leave --by out.")
        ways = get_args(get_type_hints(type(self.config))["infer_by"])
        if by not in ways:
            raise InputError(
                f"{with_article(self.method)} space cannot infer codes by {by!r}: choose among {', '.join(ways)}."
            )
        return self.with_inference({"infer_by": by}).space

    @property
    def in_camera(self) -> bool:
        """Whether shapes come in the frame of their picture's camera, and not in that of the data set."""
        return getattr(self.config, "frame", None) == "camera"

    def with_inference(self, settings: Mapping[str, Any]) -> ShapeSpace:
        """The space with other settings of the inference, those whose names begin with `infer_`.

        Raises InputError for a name that the method does not have, and for a value that does not fit.
        """
        own = [one.name for one in fields(self.config) if one.name.startswith("infer_")]
        for name in settings:
            if name not in own:
                raise InputError(
                    f"{with_article(self.method)} space has no setting {name!r} of the inference"
                    f"{did_you_mean(name, own)}: it has {', '.join(own) or 'none'}."
                )
        return replace(self, config=changed(self.config, settings, self.method)) if settings else self

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of samples of an unseen shape that it reads."""
        return find_method(self.method, SPACES).observed_kinds(self.config)

    @property
    def of_pictures(self) -> bool:
        """Whether it is of pictures (`api.pictures`), and not of shapes in space."""
        return bool({*self.kinds} & {*OF_PICTURES})

    def check_solid(self) -> None:
        """Raises InputError for a space of pictures, which has no meshes."""
        if self.of_pictures:
            raise InputError(
                f"{with_article(self.method)} space is of pictures, which have no meshes: `isofield infer`, "
                "`interpolate` and `sample` draw them; in Python isofield.infer_pictures."
            )

    @cached_property
    def neighbour_distance(self) -> float:
        """The median distance from a training code to the nearest other one; 0 for a single shape."""
        if len(self.codes) < 2:
            return 0.0
        z = torch.from_numpy(self.codes)
        return float(torch.cdist(z, z).fill_diagonal_(float("inf")).min(1).values.median())

    @property
    def length(self) -> int:
        """Length of a code."""
        return int(self.codes.shape[1])

    @property
    def ids(self) -> list[str]:
        """Ids of the training shapes."""
        return [shape.id for shape in self.shapes]

    def code(self, id_: str) -> np.ndarray:
        """The code (l,) of a training shape. Raises InputError for an unknown id."""
        return self.codes[self._row(id_)]

    def shape(self, id_: str) -> TrainingShape:
        """A training shape. Raises InputError for an unknown id."""
        return self.shapes[self._row(id_)]

    def _row(self, id_: str) -> int:
        if id_ not in self.ids:
            raise InputError(
                f"the space has no shape called {id_!r}{did_you_mean(id_, self.ids)}: take one of its ids."
            )
        return self.ids.index(id_)

    @property
    def mean(self) -> np.ndarray:
        """The mean code (l,) of the training shapes."""
        return self.codes.mean(0)

    def pca(self, count: int | None = None) -> Pca:
        """The first `count` principal components of the training codes, all by default."""
        values, axes = np.linalg.svd(self.codes - self.mean, full_matrices=False)[1:]
        count = min(count or len(values), len(values))
        return Pca(axes[:count], values[:count] / np.sqrt(max(len(self.codes) - 1, 1)))

    def nearest(self, code: np.ndarray, count: int = 5) -> list[tuple[str, float]]:
        """Ids of the training shapes whose codes are nearest to a code (l,), with their distances."""
        apart = np.linalg.norm(self.codes - self.checked(code)[0], axis=1)
        return [(self.shapes[row].id, float(apart[row])) for row in np.argsort(apart, kind="stable")[:count]]

    def sample(self, count: int, seed: int = 0, spread: float = 0.5, neighbours: int | None = NEIGHBOURS) -> np.ndarray:
        """New codes (count, l); the same seed gives the same, and more of them begin with the same.

        neighbours: a code is that of a random training shape, moved towards a random mixture (uniform over the simplex)
        of this many nearest ones, by at most `spread` times the median distance between neighbours: between very
        different shapes a space mostly has no shapes. None: normally distributed as the training codes are, `spread`
        times as far from the mean; for shapes that are all alike.
        """
        codes = np.empty((count, self.length), np.float32)
        apart = cdist(self.codes, self.codes)
        reach = spread * float(np.median(np.sort(apart, axis=1)[:, min(1, len(apart) - 1)]))
        for row in range(count):
            random = np.random.default_rng([seed, row])
            if neighbours is None:
                mixed = random.standard_normal(len(self.codes)) / np.sqrt(max(len(self.codes) - 1, 1))
                codes[row] = self.mean + spread * mixed @ (self.codes - self.mean)
                continue
            first = int(random.integers(len(self.codes)))
            near = np.argsort(apart[first], kind="stable")[1 : 1 + neighbours]
            share = random.dirichlet(np.ones(max(len(near), 1)))[: len(near)]
            move = share @ (self.codes[near] - self.codes[first])
            codes[row] = self.codes[first] + min(1.0, reach / max(float(np.linalg.norm(move)), 1e-12)) * move
        return codes

    def interpolate(self, first: np.ndarray, last: np.ndarray, count: int) -> np.ndarray:
        """Codes (count, l) on the straight line from one code (l,) to another, both included."""
        begin, end = self.checked(first)[0], self.checked(last)[0]
        share = np.linspace(0, 1, count)[:, None]
        return ((1 - share) * begin + share * end).astype(np.float32)

    def sdf(self, code: np.ndarray | Tensor, similarity: Similarity | None = None) -> SDF:
        """The field of a code (l,), in the units of `similarity`, or in the normalised space.

        A torch code that requires a gradient, such as an encoder's output, gives a field that is differentiable by it:
        ask it at torch points. Raises InputError for a code of another length, and for a space of pictures.
        """
        self.check_solid()
        if isinstance(code, Tensor) and code.requires_grad:
            self.checked(code.detach().cpu().numpy())
            module: nn.Module = LatentField(self.module, code.view(-1))
        else:
            module = self.space.field(torch.tensor(self.checked(np.asarray(code))[0]))
        return self.field_of(module, similarity or IDENTITY, np.zeros((0, 3)), {})

    def field(self, code: np.ndarray) -> CodedField:
        """The field of a code (l,) in the normalised space, as a torch module whose parameter is the code.

        Distances, gradients, projections, depths along rays and normals are differentiable by the code. Codes are
        arrays: `space.field(space.code(a) + space.code(b) - space.code(c))`. Raises InputError for a code of another
        length, and for a space of pictures.
        """
        self.check_solid()
        return CodedField(self.module, torch.tensor(self.checked(code)[0]))

    def infer(self, source: Source) -> SDF:
        """The field of an unseen shape, in the shape's own units.

        source: signed samples (n, 4) in the frame of the training shapes (`observe`), points (n, 3), points and normals
        (n, 6), a mesh, a cloud, or a file of one of these; of a space that reads pictures a file, or a folder or a list
        of files that show one shape. What the code was adapted to is `.module.code` (l,): of MetaSDF all weights of the
        network, or the code beside the point. `isofield.infer` gives the code, its loss and its nearest training shape,
        too, and has options. Warns of a doubtful code. Raises InputError as `observe` does, and for a space of
        pictures.
        """
        self.check_solid()
        observed = observe(source, self.prepare, kinds=self.kinds)
        *_, last = self.space.infer([observed.shape], 0, "cpu")
        assert last.code is not None
        for note in filter(None, last.notes):
            warnings.warn(f"{observed.id}: {note}.", stacklevel=2)
        return self.field_of_shape(observed, self.space.field(last.code[0]))

    def field_of_shape(
        self, observed: ShapeSamples, module: nn.Module, refined: bool = False, pose: Pose | None = None
    ) -> SDF:
        """The SDF of an observed shape, with its module in the frame of the space."""
        more = {"input": observed.id, "refined": refined}
        return self.field_of(module, observed.similarity, observed.surface, more, pose)

    def field_of(
        self,
        module: nn.Module,
        similarity: Similarity,
        points: np.ndarray,
        more: dict[str, Any],
        pose: Pose | None = None,
    ) -> SDF:
        """A field of this space as an SDF. points: (n, 3) observed on its surface, normalised, or none.

        pose: from the shape's normalised space to the frame of the space, where they differ.
        """
        apart = spacing(points) if len(points) > 1 else 0.01
        center, radius = np.zeros(3), 1 + MARGIN
        if pose is not None:
            center, radius = pose.invert(np.zeros((1, 3)))[0], radius / pose.scale
            module = Transformed(module, (pose.scale * pose.rotation).tolist(), pose.shift)
        low, high = triple(center - radius), triple(center + radius)
        provenance = {**self.provenance, "method": self.method, **more}
        return SDF(
            module.eval().requires_grad_(False), similarity, similarity.invert(points), apart / similarity.scale,
            low, high, provenance,
        )  # fmt: skip

    def checked(self, codes: np.ndarray | Sequence[float]) -> np.ndarray:
        """Codes (b, l) float32 from one (l,) or several. Raises InputError for an invalid code."""
        try:
            given = np.atleast_2d(np.asarray(codes, np.float32))
        except (TypeError, ValueError):
            raise InputError(
                f"{str(codes)[:40]!r} is not a code: give {self.length} numbers, from `space.code` for a training "
                "shape and from `infer` for another."
            ) from None
        if given.ndim != 2 or given.shape[1] != self.length:
            raise InputError(
                f"a code of the shape {np.shape(codes)} does not fit this space, whose codes have {self.length} "
                "numbers: give one of its own."
            )
        if not np.isfinite(given).all():
            raise InputError("a code has numbers that are not finite: give one of this space.")
        return given

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the space's folder; `isofield.load` reads it. Raises InputError where it cannot be written."""
        config = {
            "method": self.method,
            "settings": asdict(self.config),
            "prepare": asdict(self.prepare),
            "shapes": [[s.id, s.label, *s.similarity.center, s.similarity.scale] for s in self.shapes],
            "provenance": self.provenance,
        }
        return write_folder(Path(folder), SPACE, self.module, {"codes": np.ascontiguousarray(self.codes)}, config)


def checked_space(space: object) -> ShapeSpace:
    """A space of shapes. Raises InputError for anything else, and for a space of pictures, which has no meshes."""
    if not isinstance(space, ShapeSpace):
        name = space if isinstance(space, str) else "run"
        raise InputError(f"{with_article(type(space).__name__)} is not a space: isofield.load({name!r}) gives one.")
    space.check_solid()
    return space


def load_space(folder: Path) -> ShapeSpace:
    """The space that `ShapeSpace.save` wrote into folder. Raises InputError for a folder that is damaged."""
    with read_folder(folder) as (config, module, more):
        if not isinstance(module, nn.Module):
            raise ValueError("it holds the field of one shape")
        codes = more["codes"].astype(np.float32)
        shapes = [
            TrainingShape(id_, label, Similarity((x, y, z), scale)) for id_, label, x, y, z, scale in config["shapes"]
        ]
        if len(shapes) != len(codes) or not np.isfinite(codes).all():
            raise ValueError("the codes do not match the shapes")
        settings = changed(find_method(config["method"], SPACES).settings(), config["settings"], config["method"])
        prepare = prepare_config(config["prepare"])
        method, provenance = str(config["method"]), dict(config["provenance"])
    return ShapeSpace(module, codes, shapes, method, settings, prepare, provenance)
