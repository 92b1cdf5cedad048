"""Subsets of clouds, and clouds sampled from meshes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isofield.kdtree import KDTree, nearest
from isofield.rows import evenly
from isofield.topology import components, distinct, distinct_keys, edges_of
from isofield.types import Cloud

if TYPE_CHECKING:
    import trimesh

TWIN, TWINS = 0.02, 0.05
"""Points nearer to each other than this fraction of the distance to their 8th neighbours are twins: on a surface, 0.3 %
of random points have one. They are merged where at least the second fraction of the points has one."""
REPEATED, PLACE = 0.5, 0.02
"""Points are repeats where more than the first fraction of them is in groups of at most the second fraction."""
FEWER, ALIKE = (8, 5, 3), 4
"""Neighbours that are joined to groups: of all points, then of those in groups that have more than `ALIKE` times the
points of the median group; what is in a larger group at last stays as it is."""
SHEET, NEEDLE = 0.2, 0.02
"""A group is a sheet, and no repeats of one place, where the variances along its third and its second axis have less
than the first ratio, and those along its second and its first more than the second."""
FAR = 2**21
"""Voxels along an axis, at most."""
LOOKED = 5000
"""Points that are examined for that."""
BORDER = 0.1
"""The largest fraction of the points on a mesh that lie on its border."""


def vertex_colors(mesh: trimesh.Trimesh) -> np.ndarray | None:
    """The colours (n, 4) uint8 of a mesh's vertices, or None where it has none of its own."""
    visual: Any = mesh.visual
    return np.asarray(visual.vertex_colors, np.uint8) if visual is not None and visual.kind == "vertex" else None


def vertex_scalars(mesh: trimesh.Trimesh) -> dict[str, np.ndarray]:
    """The scalar attributes (n,) of a mesh's vertices, by name."""
    attributes = {name: np.asarray(values) for name, values in mesh.vertex_attributes.items()}
    return {name: values for name, values in attributes.items() if values.shape == (len(mesh.vertices),)}


def sample_mesh(mesh: trimesh.Trimesh, count: int, seed: int = 0) -> Cloud:
    """A cloud of `count` points, uniformly distributed over a mesh, with the normals of its faces and the interpolated
    colours and attributes of its vertices.

    A border of the mesh is sampled evenly, twice as densely, so that it keeps its line. The borders of raw scans, which
    are long and torn, are not: they would take more than `BORDER` of the points.
    """
    import trimesh

    border, beside = _on_border(mesh, float(np.sqrt(mesh.area / count)) / 2)
    if len(border) > BORDER * count:
        border, beside = border[:0], beside[:0]
    points, faces = trimesh.sample.sample_surface(mesh, count - len(border), seed=seed)
    points = np.concatenate([np.asarray(points, np.float64), border])
    faces = np.concatenate([np.asarray(faces, np.int64), beside])
    colors = vertex_colors(mesh)
    scalars = vertex_scalars(mesh)
    if colors is not None or scalars:
        share = trimesh.triangles.points_to_barycentric(np.asarray(mesh.triangles)[faces], points)  # (n, 3)
        corners = np.asarray(mesh.faces)[faces]  # (n, 3)
        if colors is not None:
            mixed = np.einsum("ij,ijk->ik", share, colors[corners].astype(np.float64))
            colors = np.clip(np.round(mixed), 0, 255).astype(np.uint8)
        scalars = {name: (share * values[corners]).sum(1).astype(np.float32) for name, values in scalars.items()}
    return Cloud(points, np.asarray(mesh.face_normals, np.float64)[faces], colors, scalars)


def _on_border(mesh: trimesh.Trimesh, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 3) on the edges with one face, at most `spacing` apart, and their faces (n,)."""
    vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces)
    edges = edges_of(faces)
    half = edges.order[edges.start[edges.count == 1]]
    tail, head = vertices[faces.reshape(-1)[half]], vertices[faces[:, [1, 2, 0]].reshape(-1)[half]]
    number = np.ceil(np.linalg.norm(head - tail, axis=1) / spacing).astype(np.int64)
    edge = np.repeat(np.arange(len(half)), number)
    place = np.arange(len(edge)) - np.repeat(np.cumsum(number) - number, number)
    share = (place + 0.5) / number[edge]
    return tail[edge] + share[:, None] * (head - tail)[edge], half[edge] // 3


def drop_duplicates(cloud: Cloud) -> Cloud:
    """The cloud without repeated points: the first of equal points stays."""
    first, _ = distinct(cloud.points)
    return cloud if len(first) == len(cloud.points) else select(cloud, first)


def voxel_downsample(cloud: Cloud, cells: int) -> Cloud:
    """The cloud with one point a voxel, the mean of its points; `cells` voxels along the longest side of the box.

    The box is that of the central 99.8 % of each axis, so that far points do not coarsen the voxels.
    """
    key = _voxels(cloud.points, cells, voxel_box(cloud.points))
    order = np.argsort(key, kind="stable")
    return _means(cloud, order, np.flatnonzero(np.diff(key[order], prepend=key[order[0]] - 1)))


def voxel_count(points: np.ndarray, cells: int, box: np.ndarray) -> int:
    """How many points `voxel_downsample` leaves of points (n, 3) whose `voxel_box` is given."""
    return len(distinct_keys(_voxels(points, cells, box)))


def voxel_box(points: np.ndarray) -> np.ndarray:
    """(2, 3) lower and upper corners of the box of the central 99.8 % of points (n, 3) along each axis."""
    return np.stack([np.quantile(axis, [0.001, 0.999]) for axis in points.T], 1)


def _voxels(points: np.ndarray, cells: int, box: np.ndarray) -> np.ndarray:
    """(n,) int64 keys of the voxels of points (n, 3); `cells` voxels along the longest side of a box (2, 3).

    Points more than 2^20 voxels beyond its lower corner lie in the voxels at that distance.
    """
    side = float((box[1] - box[0]).max()) / cells
    key = np.zeros(len(points), np.int64)
    for axis, low in zip(points.T[::-1], box[0, ::-1], strict=True):
        key = key * FAR + np.floor((axis - low) / side).clip(-FAR // 2, FAR // 2 - 1).astype(np.int64)
    return key


def merge_twins(cloud: Cloud) -> Cloud:
    """The cloud with the means of points that lie much nearer to each other than to all others.

    Laser scanners record several returns of one pulse, often at one position. A neighbourhood of 16 such points has
    8 positions, and a quadric passes through twelve points exactly: the residual is not their noise.
    """
    points = cloud.points
    tree = KDTree(points)
    some = evenly(len(points), LOOKED)
    if _twins(nearest(tree, points[some], k=9)[0]).any(1).mean() < TWINS:
        return cloud
    distance, index = nearest(tree, points, k=9)
    row, column = np.nonzero(_twins(distance))
    group = components(len(points), row, index[row, column + 1])
    order = np.argsort(group, kind="stable")
    return _means(cloud, order, np.flatnonzero(np.diff(group[order], prepend=-1)))


def merge_repeats(cloud: Cloud) -> Cloud:
    """The cloud with the means of its small groups of points that have all their nearest neighbours (`FEWER`) in their
    group; as it is where most points are in no such group, or most of the groups are sheets.

    A sensor that stands still measures each place again in each sweep: the points of a place are nearer to each other
    than to those of the next, and their neighbourhoods show noise, and no surface.
    """
    points, tree, count = cloud.points, KDTree(cloud.points), min(9, len(cloud.points))
    some = nearest(tree, points[evenly(len(points), LOOKED)], k=count)[1]
    if _sheets(points[some].reshape(-1, 3), np.full(len(some), count)).mean() > REPEATED:
        return cloud
    group, largest = np.full(len(points), -1), PLACE * len(points)
    for neighbours in FEWER:
        rest = np.flatnonzero(group < 0)
        if len(rest) <= neighbours:
            break
        near = nearest(KDTree(points[rest]), points[rest], k=neighbours + 1)[1][:, 1:]
        part = components(len(rest), np.repeat(np.arange(len(rest)), neighbours), near.ravel())
        size = np.bincount(part)[part]
        if neighbours == FEWER[0]:
            small = size <= largest
            if np.count_nonzero(small) <= REPEATED * len(points):
                return cloud
            largest = ALIKE * np.median(size[small])
        small = size <= largest
        group[rest[small]] = part[small] + group.max() + 1
    order = np.argsort(group, kind="stable")[np.count_nonzero(group < 0) :]
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    number = np.diff(np.r_[first, len(order)])
    if number[_sheets(points[order], number)].sum() > REPEATED * number.sum():
        return cloud
    alone = np.flatnonzero(group < 0)
    return _means(cloud, np.concatenate([order, alone]), np.concatenate([first, len(order) + np.arange(len(alone))]))


def _sheets(points: np.ndarray, number: np.ndarray) -> np.ndarray:
    """(m,) bool: which groups of points (n, 3), `number` (m,) of them one after the other, are sheets."""
    first = np.cumsum(number) - number
    off = points - np.repeat(np.add.reduceat(points, first) / number[:, None], number, axis=0)
    spread = np.linalg.eigvalsh(np.add.reduceat(off[:, :, None] * off[:, None], first))
    sheets: np.ndarray = (spread[:, 0] < SHEET * spread[:, 1]) & (spread[:, 1] > NEEDLE * spread[:, 2])
    return sheets


def _twins(distance: np.ndarray) -> np.ndarray:
    """(n, 8) bool: which neighbours at distances (n, 9), the point itself first, are twins."""
    return distance[:, 1:] < TWIN * distance[:, 8:]


def _means(cloud: Cloud, order: np.ndarray, first: np.ndarray) -> Cloud:
    """One point a group: the mean of its points. Groups are runs of `order` (n,) that begin at `first` (m,).

    Normal and sensor are those of the point nearest to the mean, since orientations may differ; colours and attributes
    are means.
    """
    number = np.diff(np.r_[first, len(order)])
    mean = np.add.reduceat(cloud.points[order], first, axis=0) / number[:, None]
    colors = None
    if cloud.colors is not None:
        sums = np.add.reduceat(cloud.colors[order].astype(np.float64), first, axis=0)
        colors = np.round(sums / number[:, None]).astype(np.uint8)
    attributes = {
        name: (np.add.reduceat(values[order].astype(np.float64), first) / number).astype(np.float32)
        for name, values in cloud.attributes.items()
    }
    if cloud.normals is None and cloud.sensors is None:
        return Cloud(mean, None, colors, attributes)
    group = np.repeat(np.arange(len(first)), number)
    off = np.square(cloud.points[order] - mean[group]).sum(1)
    nearest = order[np.lexsort((off, group))[first]]
    normals, sensors = (None if part is None else part[nearest] for part in (cloud.normals, cloud.sensors))
    return Cloud(mean, normals, colors, attributes, sensors)


def select(cloud: Cloud, index: np.ndarray) -> Cloud:
    """Some points of a cloud, by index or as (n,) bool, with their normals, colours, attributes and sensors."""
    return Cloud(
        cloud.points[index],
        None if cloud.normals is None else cloud.normals[index],
        None if cloud.colors is None else cloud.colors[index],
        {name: values[index] for name, values in cloud.attributes.items()},
        None if cloud.sensors is None else cloud.sensors[index],
    )
