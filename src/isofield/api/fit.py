"""One shape: read it, check it, normalise it, fit it."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import trimesh

from isofield import __version__
from isofield.api.field import chosen_device
from isofield.api.inputs import FitInput, Source, brought, checked_shape, of_faces, of_points, sampled, views_of
from isofield.api.sdf import SDF
from isofield.api.viewpoints import check_sensors, with_viewpoint
from isofield.configs import Ssd, Triangles
from isofield.configs.common import (
    NORMALS,
    Init,
    MethodSpec,
    NetworkKind,
    Normals,
    Quality,
    Surface,
    check_noise,
    check_surface,
)
from isofield.configs.methods import check_config, choose, find_method, method_of
from isofield.errors import InputError, with_article
from isofield.fields.array_field import ArrayField
from isofield.fields.array_triangles import ArrayTriangles
from isofield.points import Openness, noise_level, pieces, select, without_floor
from isofield.solids.triangles import indexed
from isofield.stopwatch import stage
from isofield.topology import areas
from isofield.types import Cloud, FitProgress, Method, ProgressCallback, Shape, View, triple

SAMPLES = {"fast": 50_000, "balanced": 80_000, "best": 80_000}
"""Points drawn from a mesh's faces, by quality."""

LOOK, LOOKED = Ssd(oriented=1500, cells=48, levels=2, further=0, iterations=(40, 20)), 3000
"""Settings of the first look at a large cloud, and the number of its points that are looked at."""

APART = 1e-4
"""Points farther than this from faces that are taken at their word, normalised, lie on faces that were left out."""

Position = np.ndarray | Sequence[float] | None
Viewpoint = Position | str | os.PathLike[str]
Watch = Callable[[int, Callable[[], SDF]], None]
"""What `fit` calls while a field forms: a step's number, from 1, and a function that returns a copy of the field. For a
large cloud it is called with 0 at first, and the function makes a coarse field of some of the points (`first_look`)."""


@dataclass(frozen=True, eq=False)
class _Read:
    """An input: its name, the digest of its file, what it holds, the depth images that it came as, how the normals that
    came with its points are used, or None without any, and the fraction of its points or faces that the floor had,
    where it is left out."""

    label: str
    digest: str | None
    given: trimesh.Trimesh | Cloud
    views: Sequence[View]
    normals: Normals | None = None
    floor: float | None = None

    @property
    def mesh(self) -> trimesh.Trimesh | None:
        """The mesh, where it is one."""
        return self.given if isinstance(self.given, trimesh.Trimesh) else None


def fit(
    source: Source,
    *,
    method: str = "auto",
    quality: Quality = "balanced",
    init: Init = "oriented",
    network: NetworkKind | None = None,
    config: Any = None,
    noise: float | None = None,
    surface: Surface = "auto",
    viewpoint: Viewpoint = None,
    up: Position = None,
    normals: Normals = "auto",
    drop_floor: bool = False,
    seed: int = 0,
    device: str = "auto",
    progress: ProgressCallback | None = None,
    watch: Watch | None = None,
) -> SDF:
    """The signed distance field of one shape.

    source: a file, a mesh, a cloud, an array of points (n, 3), or points and normals (n, 6), or depth images (`View`s,
    see `read_views`); points need no normals, a mesh may be a soup. method: a name of `configs.methods`. quality: fast,
    balanced or best. init, network: of methods that learn a network; "oriented", or "paper" as their papers start;
    siren, mlp or hashgrid, None for the method's own. config: the method's settings, a dataclass of `configs`, in place
    of those of quality, init and network; quality then decides only how densely the input is sampled. noise: standard
    deviation of the points off the surface, as a fraction of the diagonal of their box; None estimates it. surface:
    "closed", or "open" for one that ends where the points end; "auto" decides by what the points enclose
    (`points.openness`). viewpoint: position of the sensor (3,), or of each point's (n, 3), or a file of them
    (`read_viewpoint`), in place of the input's. up:
    (3,), the sensor was far away in this direction. normals: "auto" keeps the orientation of normals that came with the
    points if it is consistent, "trust" keeps it as it is, "ignore" drops these normals. drop_floor: leave out the floor
    below a shape that stands on it (`points.without_floor`). device: auto, cpu or cuda. progress: called with the stage
    and the fraction that is done. watch: called after every step that has a field.

    With the method "auto" and its own settings, a mesh is taken at its word (method "triangles") unless a noise is
    given: nothing is fitted, and a warning says what was repaired. Where its faces enclose nothing, or with
    surface="open", it ends where they end, and its distance is nowhere negative there; soups that enclose a volume with
    faces that are not joined, and open meshes with surface="closed", are fitted by points on their faces.

    On Ctrl-C the best field so far comes back, with `interrupted` set. Raises InputError for what cannot be fitted, and
    KeyboardInterrupt where there was no field yet.
    """
    settings = choose(method, quality, init, network) if config is None else config
    name = method_of(settings) if method == "auto" else method
    spec = check_config(name, settings)
    _check_options(spec, name, noise, surface, normals)
    report = progress or (lambda stage, fraction: None)
    report("reading", 0.0)
    read = _read(source, viewpoint, up, normals)
    _check_kind(spec, name, read.mesh, read.label)
    if drop_floor:
        above, share = without_floor(read.given)
        read = replace(read, given=above, floor=share)

    exact = None if read.mesh is None else _exact(method, settings, quality, noise)
    faces = None
    if read.mesh is not None and exact is None and _exact(method, settings, quality, None) is not None:
        warnings.warn(
            f"{read.label} is a mesh: with a noise points on its faces are fitted; without one its faces are exact",
            stacklevel=2,
        )
    if read.mesh is not None and exact is not None:
        from isofield.api.meshes import taken  # loads what `prepare` judges meshes with

        faces = taken(read.mesh, read.label, exact.thickness, surface, required=spec.reads == "mesh")
    if faces is not None and exact is not None:
        name, settings, spec = "triangles", exact, find_method("triangles")
        cloud = sampled(read.given, read.label, exact.points, seed)
        shape = of_faces(faces.triangles, faces.similarity, cloud, Openness(faces.open, faces.reason))
    else:
        cloud = sampled(read.given, read.label, SAMPLES[quality], seed)
        if watch is not None and len(cloud.points) > 2 * LOOKED:
            with stage("showing"):
                watch(0, partial(first_look, cloud, surface, normals))
        shape = of_points(
            cloud, read.label, quality, mesh=read.mesh, views=read.views, noise=noise,
            surface="open" if spec.unsigned else surface, trusted=normals == "trust",
        )  # fmt: skip

    device = chosen_device("cpu" if spec.cpu_only and device == "auto" else device)
    implementation = spec.method(settings)
    found, interrupted = _adapted(implementation, shape, name, seed, device, report, watch)
    code: Any = found.code
    if faces is not None and not faces.open:
        shape = _without_walls(shape, code, read.label)
    provenance = {
        "isofield": __version__, "input": Path(read.label).name, "sha256": read.digest, "method": name,
        "quality": quality, "seed": seed, "settings": asdict(settings),
        **_figures(read, len(cloud.points), shape, found),
    }  # fmt: skip
    return _field(implementation, code, shape, provenance, interrupted)


def _read(source: Source, viewpoint: Viewpoint, up: Position, normals: Normals) -> _Read:
    """What the source holds, with the sensors and normals that the options of `fit` leave it."""
    views = views_of(source)
    with stage("reading"):
        label, digest, raw = brought(source)
        given = checked_shape(raw, label)
    of_input = isinstance(given, Cloud) and given.normals is not None and not views
    if isinstance(given, Cloud):
        if normals == "ignore":
            given = replace(given, normals=None)
        given = with_viewpoint(given, label, viewpoint, up, _kept_rows(raw))
        if viewpoint is None and up is None and not views:
            given = check_sensors(given, label)
    else:
        _warn_of_unused(label, viewpoint=viewpoint is not None, up=up is not None, normals=normals != "auto")
    return _Read(label, digest, given, views, normals if of_input else None)


def _kept_rows(read: Cloud | trimesh.Trimesh) -> np.ndarray | None:
    """(m,) bool: which of the points of a file, or of the pixels of its image, are finite; None of a mesh."""
    if not isinstance(read, Cloud):
        return None
    finite = np.isfinite(read.points).all(1)
    if read.pixels is None:
        return finite
    rows = read.pixels.copy()
    rows[rows] = finite
    return rows


def _without_walls(shape: FitInput, field: ArrayTriangles, label: str) -> FitInput:
    """The input without its points on faces that the field left out; warns of those inside the solid."""
    given = shape.observation.triangles
    if given is None or len(field.sheet):  # points on sheets that were thickened are inside, too
        return shape
    if np.isclose(areas(field.vertices, field.solid).sum(), areas(*indexed(given)).sum(), rtol=1e-6):
        return shape
    distance = field.distances(shape.observation.points)
    kept = np.abs(distance) <= APART
    if not kept.any():
        return shape
    if walls := float((distance < -APART).mean()):
        warnings.warn(f"{label}: faces inside the solid, {100 * walls:.2g} % of the area, are left out", stacklevel=3)
    cloud = select(shape.cloud, kept)
    observation = replace(shape.observation, points=shape.observation.points[kept], normals=cloud.normals)
    return replace(shape, observation=observation, cloud=cloud)


def _figures(read: _Read, count: int, shape: FitInput, found: FitProgress[Any]) -> dict[str, Any]:
    """What the provenance of a field says of its input and its result; count: points there were, before outliers."""
    left_out = pieces(shape.outliers, shape.similarity.invert(shape.observation.points))
    return {
        "losses": dict(found.losses),
        "points": {
            "given": count, "outliers": len(shape.outliers), "pieces": len(left_out),
            "largest_piece": int(left_out.max(initial=0)), "used": len(shape.observation.points), "floor": read.floor,
        },
        "faces": None if read.mesh is None else len(read.mesh.faces),
        "normals": None if read.normals is None else {"use": read.normals, "turned": found.turned},
        "noise": _noise_of(found, shape) / shape.similarity.scale,
        "surface": {"open": shape.surface.open, "reason": shape.surface.reason},
        "bounds": shape.similarity.invert(np.array([shape.lower, shape.upper])).tolist(),
    }  # fmt: skip


def _check_options(spec: MethodSpec, name: str, noise: float | None, surface: Surface, normals: object) -> None:
    """Raises InputError for options out of range, and for those that the method does not have."""
    check_noise(noise)
    check_surface(surface)
    if spec.unsigned and surface == "closed":
        raise InputError(f"method {name} has no inside to close: take --surface open, or another method.")
    if not (isinstance(normals, str) and normals in NORMALS):
        what = repr(normals) if isinstance(normals, str) else with_article(type(normals).__name__)
        raise InputError(
            f"normals cannot be {what}: choose among {', '.join(NORMALS)}; normals come with their points, "
            "as an array (n, 6)."
        )


def _exact(method: str, settings: Any, quality: Quality, noise: float | None) -> Triangles | None:
    """The settings with which a mesh is taken at its word; None where points on its faces are fitted."""
    if method == "auto" and not noise and settings == choose("auto", quality):
        return Triangles()
    return settings if isinstance(settings, Triangles) else None


def _warn_of_unused(label: str, **given: bool) -> None:
    """Warns of what was given for points where the input is a mesh."""
    if unused := [name for name, is_given in given.items() if is_given]:
        verb = "is" if len(unused) == 1 else "are"
        warnings.warn(f"{label} is a mesh: {' and '.join(unused)} {verb} for points, and not used", stacklevel=4)


def _noise_of(found: FitProgress[Any], shape: FitInput) -> float:
    """The points' deviation off the surface, normalised: as given, as the method found it, or as estimated."""
    for deviation in (shape.observation.noise, found.noise):
        if deviation is not None:
            return deviation
    return noise_level(shape.observation.points)


def _check_kind(spec: MethodSpec, name: str, mesh: trimesh.Trimesh | None, label: str) -> None:
    """Raises InputError where the method needs a mesh, or a closed mesh, and the input is something else."""
    if spec.reads == "mesh" and mesh is None:
        raise InputError(f"{label} holds only points, and method {name} needs a mesh: take --method auto.")
    if spec.reads == "closed mesh" and (mesh is None or not mesh.is_watertight):
        what = "holds only points" if mesh is None else "is open, or its faces are not joined"
        raise InputError(f"{label} {what}, and method {name} needs a closed mesh: take --method auto.")


def _adapted(
    method: Method[Any], shape: FitInput, name: str, seed: int, device: str, report: ProgressCallback,
    watch: Watch | None,
) -> tuple[FitProgress[Any], bool]:  # fmt: skip
    """The last progress of a method on a shape, with the code and the figures of earlier ones where it has none; and
    whether Ctrl-C ended it early."""
    found, steps = FitProgress[Any]("", 0.0), 0
    try:
        for now in method.infer((Shape(shape.observation),), seed, device):
            found = replace(
                now, code=found.code if now.code is None else now.code, losses=now.losses or found.losses,
                noise=found.noise if now.noise is None else now.noise,
                turned=found.turned if now.turned is None else now.turned,
            )  # fmt: skip
            terms = ", ".join(f"{term} {value:.4g}" for term, value in now.losses.items())
            report(f"{now.stage}: {terms}" if terms else now.stage, now.fraction)
            if watch is not None and now.code is not None:
                steps += 1
                with stage("showing"):
                    watch(steps, partial(_so_far, method, now.code, shape, name))
    except KeyboardInterrupt:
        if found.code is None:
            raise
        return found, True
    if found.code is None:
        raise RuntimeError(f"method {name} ended without a result")
    return found, False


def _so_far(method: Method[Any], code: Any, shape: FitInput, name: str) -> SDF:
    """A copy of the field while it forms: methods may change a code in place."""
    return _field(method, copy.deepcopy(code), shape, {"method": name})


def _field(
    method: Method[Any], code: Any, shape: FitInput, provenance: dict[str, Any], interrupted: bool = False
) -> SDF:
    """The field of a code, in the user's units."""
    observation, invert = shape.observation, shape.similarity.invert
    return SDF(
        code if isinstance(code, ArrayField) else method.field(code).cpu().eval().requires_grad_(False),
        shape.similarity,
        invert(observation.points),
        shape.spacing / shape.similarity.scale,
        triple(shape.lower - shape.margin),
        triple(shape.upper + shape.margin),
        provenance,
        interrupted,
        shape.cloud.colors,
        shape.cloud.attributes,
        None if observation.sensors is None else invert(observation.sensors),
        shape.surface.open,
        left_out=shape.outliers,
    )


def first_look(cloud: Cloud, surface: Surface = "auto", normals: Normals = "auto") -> SDF:
    """A coarse field of `LOOKED` random points of a cloud, in about a second. Raises InputError as `fit` does, and
    KeyboardInterrupt on Ctrl-C."""
    some = np.sort(np.random.default_rng(0).permutation(len(cloud.points))[:LOOKED])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the fit of all points warns
        look = fit(select(cloud, some), quality="fast", config=LOOK, surface=surface, normals=normals, device="cpu")
    if look.interrupted:  # Ctrl-C is for the fit of all points
        raise KeyboardInterrupt
    return look
