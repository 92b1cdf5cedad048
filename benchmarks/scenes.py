"""Scenes with their truth, and what sensors measure of them: a room, terrain, a table, a leaf, a bowl; two CAD meshes.

Every scene is made from its seed alone. A sensor measures along rays: the first surface that a ray meets, unless it is
met at a grazing angle, with Gaussian noise along the ray. The visible truth is what the same sensors could measure.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import igl
import numpy as np
import trimesh
from manifold3d import Manifold

from isofield import io
from isofield.evaluate.rays import first_hit
from isofield.families.build import to_mesh
from isofield.solids.triangles import closest_on
from isofield.types import Cloud

GRAZING = 0.08
"""Cosine between normal and ray below which a sensor measures nothing."""
UTM = np.array([412_300.0, 5_412_800.0, 310.0])
"""East, north and height of the terrain's corner in metres."""
Watch = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Points (n, 3) to the positions (n, 3) of a sensor that would measure them, and whether (n,) they are in its view."""


@dataclass(frozen=True)
class Scene:
    """A truth, and what was measured of it.

    truth: every surface, two-sided. scans: one cloud a sensor, with sensors, NaN points where nothing was measured;
    empty for a mesh that is given as it is. watches: the sensors, for the visible part of the truth. scale: the length
    that thresholds are fractions of: the median range of sensors in the scene, else the diagonal. image: (rows,
    columns) of organised scans. up: the sensors are far above.
    """

    truth: trimesh.Trimesh
    scans: tuple[Cloud, ...]
    watches: tuple[Watch, ...]
    scale: float
    image: tuple[int, int] | None = None
    up: bool = False

    def measured(self) -> Cloud:
        """The measured points of all scans, with their sensors."""
        points = np.concatenate([scan.points for scan in self.scans])
        sensors = np.concatenate([np.asarray(scan.sensors) for scan in self.scans])
        good = np.isfinite(points).all(axis=1)
        return Cloud(points[good], sensors=sensors[good])


def visible(scene: Scene, points: np.ndarray, normals: np.ndarray, margin: float) -> np.ndarray:
    """Whether (n,) points (n, 3) of the truth, with unit normals (n, 3), can be measured by a sensor of the scene.

    margin: a surface that the ray meets at most this much before the point does not hide it.
    """
    if not scene.watches:
        return np.ones(len(points), bool)
    cast, found = first_hit(scene.truth.vertices, scene.truth.faces), np.zeros(len(points), bool)
    for watch in scene.watches:
        origin, in_view = watch(points)
        rest = np.flatnonzero(in_view & ~found)
        toward = points[rest] - origin[rest]
        away = np.linalg.norm(toward, axis=1)
        toward /= away[:, None]
        facing = np.abs(np.einsum("ij,ij->i", toward, normals[rest])) > GRAZING
        found[rest] = facing & (cast(origin[rest], toward) >= away - margin)
    return found


@dataclass(frozen=True)
class Scores:
    """Shares within a threshold: of the result near the visible truth, of the visible truth near the result; F."""

    precision: float
    recall: float
    f: float


def score(scene: Scene, mesh: trimesh.Trimesh, share: float = 0.005, samples: int = 60_000) -> Scores:
    """F of a result against the visible truth at `share` of the scene's scale (Knapitsch et al. 2017), distances exact.

    A point of the result counts for the precision where its closest point of the whole truth is within the threshold
    and visible; surface in front of nothing, behind something, or that closes what was open, counts against it.
    """
    threshold = share * scene.scale
    (seen, _), drawn = visible_samples(scene, samples), trimesh.sample.sample_surface(mesh, samples, seed=1)[0]
    far, face, closest = closest_on(*_arrays(scene.truth))(drawn)
    near = far <= threshold
    near[near] = visible(scene, closest[near], scene.truth.face_normals[face[near]], threshold)
    back = closest_on(*_arrays(mesh))(seen)[0] <= threshold
    p, r = float(near.mean()), float(back.mean())
    return Scores(p, r, 2 * p * r / (p + r) if p + r else 0.0)


def visible_samples(scene: Scene, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 3) of the visible truth, uniform by area, at most `samples`, and their unit normals (n, 3)."""
    points, face = trimesh.sample.sample_surface(scene.truth, samples, seed=2)
    normals = scene.truth.face_normals[face]
    seen = visible(scene, points, normals, 1e-4 * scene.scale)
    return points[seen], normals[seen]


def room() -> Scene:
    """A furnished room of 6 x 5 x 2.7 m from the inside: a spinning scanner at two places, noise 2 mm; metres."""
    parts = [_box((0, 0, 0), (6, 5, 2.7)), _box((2.2, 1.9, 0.72), (3.8, 2.8, 0.76))]
    parts += [_box((x, y, 0), (x + 0.06, y + 0.06, 0.73)) for x in (2.25, 3.69) for y in (1.95, 2.69)]
    for x, y, back in ((2.5, 1.35, 0.0), (3.2, 3.0, 0.41), (3.0, 1.3, 0.0)):
        parts += [
            _box((x, y, 0.43), (x + 0.45, y + 0.45, 0.46)),
            _box((x, y + back, 0.45), (x + 0.45, y + back + 0.04, 0.92)),
        ]
        parts += [_box((x + u, y + v, 0), (x + u + 0.04, y + v + 0.04, 0.44)) for u in (0, 0.41) for v in (0, 0.41)]
    parts += [_box((5.6, 1, h), (5.98, 2.4, h + 0.025)) for h in (0.1, 0.5, 0.9, 1.3, 1.7, 2.1)]
    parts += [_box((5.6, y, 0), (5.98, y + 0.025, 2.125)) for y in (0.975, 2.4)]
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.16)
    parts.append(ball.apply_translation((3.1, 2.4, 0.92)))
    truth = trimesh.util.concatenate(parts)
    random, eyes = _random("room"), np.array([[1.3, 1.1, 1.45], [4.6, 3.9, 1.35]])
    low, high = np.radians(-62), np.radians(88)
    turn, rise = np.meshgrid(np.radians(np.arange(0, 360, 0.8)), np.arange(low, high, np.radians(0.8)))
    rays = np.stack([np.cos(turn) * np.cos(rise), np.sin(turn) * np.cos(rise), np.sin(rise)], -1).reshape(-1, 3)
    scans = tuple(_measure(truth, np.broadcast_to(eye, rays.shape), rays, 0.002, random) for eye in eyes)

    def watch(eye: np.ndarray) -> Watch:
        def in_view(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            toward = points - eye
            elevation = np.arctan2(toward[:, 2], np.linalg.norm(toward[:, :2], axis=1))
            return np.broadcast_to(eye, points.shape), (elevation > low) & (elevation < high)

        return in_view

    return Scene(truth, scans, tuple(watch(eye) for eye in eyes), _median_range(scans))


def terrain() -> Scene:
    """Hills of 160 x 160 m with houses and trees, from straight above, noise 3 cm, 6 points a square metre; UTM."""
    random = _random("terrain")
    axis = np.linspace(-5, 165, 171)
    x, y = np.meshgrid(axis, axis, indexing="ij")

    def ground(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 6 * np.sin(x / 37) * np.cos(y / 45) + 0.05 * x + 1.2 * np.sin(x / 11 + y / 17)

    corner = np.arange(x.size).reshape(x.shape)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    parts = [trimesh.Trimesh(np.stack([x.ravel(), y.ravel(), ground(x, y).ravel()], 1), faces, process=False)]
    for u in (20, 55, 95, 130):
        for v in (25, 70, 118):
            wide, deep, tall = random.uniform((8, 9, 4), (12, 14, 7))
            z = float(ground(np.array(u), np.array(v)))
            roof = np.array([[s * wide / 2, t * deep / 2, h] for s in (-1, 1) for t in (-1, 1) for h in (-4, tall)])
            ridge = np.array([[0, t * deep / 2, tall + 3] for t in (-1, 1)])
            house = trimesh.convex.convex_hull(np.concatenate([roof, ridge]))
            house.apply_transform(trimesh.transformations.rotation_matrix(random.uniform(0, np.pi), (0, 0, 1)))
            parts.append(house.apply_translation((u, v, z)))
    for u, v in random.uniform(6, 154, (60, 2)):
        z, tall, wide = float(ground(np.array(u), np.array(v))), random.uniform(4, 9), random.uniform(1.5, 3)
        crown = trimesh.creation.icosphere(subdivisions=3)
        crown.apply_scale((wide, wide, 0.4 * tall)).apply_translation((u, v, z + 0.7 * tall))
        trunk = trimesh.creation.cylinder(0.2, 0.5 * tall).apply_translation((u, v, z + 0.2 * tall))
        parts += [crown, trunk]
    truth = trimesh.util.concatenate(parts)
    across = np.arange(0, 160, 0.4)
    start = np.stack(np.meshgrid(across, across), -1).reshape(-1, 2) + random.normal(0, 0.1, (len(across) ** 2, 2))
    origins = np.column_stack([start, np.full(len(start), 300.0)])
    scan = _measure(truth, origins, np.broadcast_to([0.0, 0, -1], origins.shape), 0.03, random)

    def watch(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        inside = ((points[:, :2] > UTM[:2]) & (points[:, :2] < UTM[:2] + 160)).all(axis=1)
        return np.column_stack([points[:, :2], np.full(len(points), UTM[2] + 300)]), inside

    truth.apply_translation(UTM)
    scan = Cloud(scan.points + UTM, sensors=np.asarray(scan.sensors) + UTM)
    return Scene(truth, (scan,), (watch,), 160 * 2**0.5, up=True)


def table() -> Scene:
    """One view of a table with cups, and a wall behind, by a depth camera of 480 x 360 pixels, noise 1 mm; metres."""
    top = 0.75
    parts = [_box((-0.6, -0.4, top - 0.03), (0.6, 0.4, top)), _box((-2, 1.2, -0.5), (2, 1.25, 2.5))]
    parts += [_box((x, y, 0), (x + 0.05, y + 0.05, top - 0.03)) for x in (-0.58, 0.53) for y in (-0.38, 0.33)]
    for x, y, radius, tall in ((-0.25, -0.05, 0.045, 0.1), (0.05, 0.1, 0.04, 0.12), (0.3, -0.1, 0.06, 0.08)):
        parts.append(_cup(radius, tall, 0.004).apply_translation((x, y, top)))
    truth, eye, target = trimesh.util.concatenate(parts), np.array([0.15, -1.1, 1.45]), np.array([0.0, 0.0, top])
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, (0, 0, 1))
    right /= np.linalg.norm(right)
    down, (rows, columns), focal = np.cross(forward, right), (360, 480), 400.0
    u, v = np.meshgrid(np.arange(columns) - (columns - 1) / 2, np.arange(rows) - (rows - 1) / 2)
    rays = (u[..., None] * right + v[..., None] * down + focal * forward).reshape(-1, 3)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    scan = _measure(truth, np.broadcast_to(eye, rays.shape), rays, 0.001, _random("table"))

    def watch(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        along, across, below = ((points - eye) @ axis for axis in (forward, right, down))
        in_view = (np.abs(across) * focal < along * columns / 2) & (np.abs(below) * focal < along * rows / 2)
        return np.broadcast_to(eye, points.shape), in_view & (along > 0)

    return Scene(truth, (scan,), (watch,), _median_range([scan]), image=(rows, columns))


def leaf() -> Scene:
    """A curved leaf, 100 mm long and 0.5 mm thick, from both sides, 30 000 points, noise 0.05 mm; millimetres."""
    u, v = np.meshgrid(np.linspace(0.02, 0.98, 160), np.linspace(-1, 1, 80), indexing="ij")
    wide = 26 * np.sin(np.pi * u) ** 0.7
    middle = np.stack([100 * u, wide * v, 14 * np.sin(2.4 * u) + 5 * v**2 * np.sin(np.pi * u)], -1)
    du, dv = np.gradient(middle, axis=(0, 1))
    normal = np.cross(du, dv)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    truth = _thick(middle, 0.25 * normal)
    return _around("leaf", truth, 30_000, 0.05, trimesh.creation.icosahedron().vertices)


def bowl() -> Scene:
    """A bowl, 120 mm wide and 3 mm thick, that stands: sensors around and above, 30 000 points; millimetres."""
    turn, rise = np.meshgrid(np.linspace(0, 2 * np.pi, 12, endpoint=False), np.radians([15, 55]))
    rays = np.stack([np.cos(turn) * np.cos(rise), np.sin(turn) * np.cos(rise), np.sin(rise)], -1).reshape(-1, 3)
    profile = np.array([[s * np.cos(t), s * np.sin(t)] for s, ts in (
        (60, np.linspace(-np.pi / 2, 0, 60)), (57, np.linspace(0, -np.pi / 2, 60))) for t in ts])  # fmt: skip
    profile[[0, -1], 0] = 0
    truth = trimesh.creation.revolve(profile, sections=128)
    return _around("bowl", truth, 30_000, 0.1, rays)


def box() -> Scene:
    """A box of 200 x 1 x 100 mm, 12 faces."""
    return whole(trimesh.creation.box((200, 1, 100)))


def plate() -> Scene:
    """A plate of 200 x 150 x 4 mm with 12 holes."""
    solid = Manifold.cube((200, 150, 4))
    for x in (25, 75, 125, 175):
        for y in (25, 75, 125):
            solid -= Manifold.cylinder(8, 10, circular_segments=64).translate((x, y, -2))
    return whole(to_mesh(solid))


SCENES: dict[str, Callable[[], Scene]] = {
    "room": room, "made-terrain": terrain, "table": table, "leaf": leaf, "bowl": bowl, "box": box, "plate": plate,
}  # fmt: skip


def write(name: str, scene: Scene, folder: Path) -> Path:
    """Writes what was measured as such sensors' software does: the file that is fitted.

    A mesh as .stl, scans with their poses as .e57, one from above as .las, an organised image as .pcd with VIEWPOINT,
    points without sensors as .ply. The first three need pye57 or laspy; ImportError says which is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not scene.scans:
        path = folder / f"{name}.stl"
        io.write_mesh(scene.truth, path)
    elif scene.image is not None:
        path = folder / f"{name}.pcd"
        path.write_bytes(_pcd(scene.scans[0], scene.image))
    elif scene.up:
        path = folder / f"{name}.las"
        _las(scene.measured().points, path)
    elif len(scene.scans) < len(scene.watches) or len(scene.scans) == 1:
        path = folder / f"{name}.ply"
        trimesh.PointCloud(scene.measured().points).export(path)
    else:
        path = folder / f"{name}.e57"
        _e57(scene.scans, path)
    return path


def _random(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(name.encode()))


def _arrays(mesh: trimesh.Trimesh) -> tuple[np.ndarray, np.ndarray]:
    return np.array(mesh.vertices, np.float64), np.array(mesh.faces, np.int64)


def _box(low: Sequence[float], high: Sequence[float]) -> trimesh.Trimesh:
    return trimesh.creation.box(bounds=np.array([low, high], np.float64))


def _cup(radius: float, tall: float, wall: float) -> trimesh.Trimesh:
    """A cup that stands on z = 0, open above."""
    outline = [(0, 0), (radius, 0), (radius, tall), (radius - wall, tall), (radius - wall, wall), (0, wall)]
    return trimesh.creation.revolve(np.array(outline, np.float64), sections=64)


def _thick(middle: np.ndarray, half: np.ndarray) -> trimesh.Trimesh:
    """A sheet (rows, columns, 3) as a solid that reaches `half` to either side of it."""
    rows, columns = middle.shape[:2]
    corner = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]))
    top = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    rim = np.concatenate([corner[:-1, 0], corner[-1, :-1], corner[:0:-1, -1], corner[0, :0:-1]])
    after, under = np.roll(rim, -1), rows * columns
    side = np.concatenate([np.stack([rim, rim + under, after], 1), np.stack([after, rim + under, after + under], 1)])
    vertices = np.concatenate([(middle + half).reshape(-1, 3), (middle - half).reshape(-1, 3)])
    mesh = trimesh.Trimesh(vertices, np.concatenate([top, top[:, ::-1] + under, side]), process=False)
    mesh.fix_normals()
    return mesh


def whole(truth: trimesh.Trimesh) -> Scene:
    """A mesh that is given as it is; all of it counts as visible."""
    return Scene(truth, (), (), float(np.linalg.norm(truth.extents)))


def _median_range(scans: Sequence[Cloud]) -> float:
    return float(np.nanmedian(np.concatenate([np.linalg.norm(s.points - s.sensors, axis=1) for s in scans])))


def _measure(
    truth: trimesh.Trimesh, origins: np.ndarray, rays: np.ndarray, noise: float, random: np.random.Generator
) -> Cloud:
    """One point a ray (n, 3): the first surface along it, with noise; NaN where there is none, or a grazing one."""
    distance = first_hit(truth.vertices, truth.faces)(origins, rays)
    points = origins + np.where(np.isfinite(distance), distance, 0)[:, None] * rays
    face = igl.point_mesh_squared_distance(points, *_arrays(truth))[1]
    facing = np.abs(np.einsum("ij,ij->i", truth.face_normals[face], rays)) > GRAZING
    points += random.normal(0, noise, (len(rays), 1)) * rays
    points[~(facing & np.isfinite(distance))] = np.nan
    return Cloud(points, sensors=np.array(origins, np.float64))


def _around(name: str, truth: trimesh.Trimesh, count: int, noise: float, directions: np.ndarray) -> Scene:
    """A single shape, scanned by sensors in these directions (k, 3) from 3 diagonals away; each point has its own."""
    random, size, middle = _random(name), float(np.linalg.norm(truth.extents)), truth.bounds.mean(axis=0)
    eyes = middle + 3 * size * directions

    def watch(eye: np.ndarray) -> Watch:
        return lambda points: (np.broadcast_to(eye, points.shape), np.ones(len(points), bool))

    scene = Scene(truth, (), tuple(watch(eye) for eye in eyes), size)
    points, normals = visible_samples(scene, 2 * count)
    chosen = random.permutation(len(points))[:count]
    points, normals, sensors = points[chosen], normals[chosen], np.empty((len(chosen), 3))
    for eye in eyes[random.permutation(len(eyes))]:
        seen = visible(Scene(truth, (), (watch(eye),), size), points, normals, 1e-4 * size)
        sensors[seen] = eye
    toward = points - sensors
    toward /= np.linalg.norm(toward, axis=1, keepdims=True)
    measured = points + random.normal(0, noise, (len(points), 1)) * toward
    return Scene(truth, (Cloud(measured, sensors=sensors),), scene.watches, size)


def _pcd(scan: Cloud, image: tuple[int, int]) -> bytes:
    """An organised PCD, binary, with the position of its sensor."""
    rows, columns = image
    eye = np.asarray(scan.sensors)[0]
    head = [
        "VERSION 0.7", "FIELDS x y z", "SIZE 4 4 4", "TYPE F F F", "COUNT 1 1 1", f"WIDTH {columns}", f"HEIGHT {rows}",
        f"VIEWPOINT {eye[0]:g} {eye[1]:g} {eye[2]:g} 1 0 0 0", f"POINTS {rows * columns}", "DATA binary",
    ]  # fmt: skip
    return ("\n".join(head) + "\n").encode() + scan.points.astype("<f4").tobytes()


def _las(points: np.ndarray, path: Path) -> None:
    import laspy

    header = laspy.LasHeader(point_format=3, version="1.2")
    header.offsets, header.scales = np.floor(points.min(axis=0)), np.full(3, 0.001)
    cloud = laspy.LasData(header)
    cloud.x, cloud.y, cloud.z = points.T
    cloud.write(str(path))


def _e57(scans: Sequence[Cloud], path: Path) -> None:
    """One scan a sensor, in the sensor's own axes, with its pose."""
    import pye57

    path.unlink(missing_ok=True)
    file = pye57.E57(str(path), mode="w")
    for scan in scans:
        eye = np.asarray(scan.sensors)[0]
        points = scan.points[np.isfinite(scan.points).all(axis=1)] - eye
        columns = {f"cartesian{axis}": np.ascontiguousarray(points[:, k]) for k, axis in enumerate("XYZ")}
        file.write_scan_raw(columns, rotation=np.array([1.0, 0, 0, 0]), translation=eye)
    file.close()
