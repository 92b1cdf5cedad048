"""The sides of normals: the winding number decides, the neighbour graph cleans up."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from isofield.threads import map_lanes, nearest, ranges, single_threaded

SUBSET = 6000
"""Points that are oriented together; every pair of them counts, so time grows with the square."""
ROUNDS = 40
WIDTHS = (0.03, 0.004)
"""Smoothing width of the winding kernel, first and last round, in units of the box's longest side."""
NOISE_WIDTH = 1.5
"""The last width is at least so many times the noise: below it the field follows single points."""
AGREEMENT = 0.8
"""Mean product of given and found sides, beyond which the given ones may be right where they differ."""
PATCHES, CONFLICT = 50, 0.5
"""Patches that are turned at most, and the share of a border's pull that must ask for it."""
HARD = 1.5
"""How much likelier a point is to be chosen for the subset where its neighbours' normals scatter as they do on
average."""


def winding_sides(
    points: np.ndarray, normals: np.ndarray, neighbours: np.ndarray, noise: float, seed: int = 0
) -> np.ndarray:
    """(n,) in [-1, 1]: whether each normal (n, 3) points outward, and how sure that is.

    points (n, 3) have a box with longest side 1 about the origin; neighbours (n, k) are the indices of each point's
    neighbours; noise is the points' deviation. Winding number normal consistency (Lin et al. 2024) on a random subset,
    denser where normals scatter (thin parts, edges), gives outward directions; every normal asks the five nearest.
    """
    chosen = np.arange(len(points))
    if len(points) > SUBSET:
        scatter = 1 - np.abs(np.einsum("nkd,nd->nk", normals[neighbours], normals)).mean(1)
        scatter = scatter[neighbours].mean(1)
        chance = 1 + HARD * scatter / max(float(scatter.mean()), 1e-9)
        keys = np.random.default_rng(seed).exponential(size=len(points)) / chance
        chosen = np.sort(np.argsort(keys, kind="stable")[:SUBSET])
    directions = consistent_normals(points[chosen], (WIDTHS[0], max(WIDTHS[1], NOISE_WIDTH * noise)))
    distance, index = nearest(cKDTree(points[chosen]), points, k=5)
    width = np.maximum(distance[:, -1:], 1e-12)
    weight = np.exp(-((distance / width) ** 2))
    agree = np.einsum("nkd,nd->nk", directions[index], normals)
    return (weight * agree).sum(1) / weight.sum(1)


def consistent_normals(points: np.ndarray, widths: tuple[float, float] = WIDTHS) -> np.ndarray:
    """(n, 3) unit outward directions at points (n, 3) by winding number normal consistency (Lin et al. 2024).

    Alternates one step of steepest descent on |A n - 1/2|^2, where A n is the winding number at the points that normals
    (with their areas as lengths) n give, with turning every normal against the gradient of the winding field. The width
    of the kernel falls from round to round between `widths`, so that the coarse shape is decided first. All pairs
    count: O(n^2) a round.
    """
    import torch

    x = torch.as_tensor(points, dtype=torch.float32)
    n = torch.zeros_like(x)
    square = (x * x).sum(1)
    with single_threaded():
        # squared distances of all pairs, (n, n) in blocks of rows that fit into a core's cache
        pairs = map_lanes(
            lambda c: (square[c, None] + square[None] - 2 * x[c] @ x.T).clamp_(min=0), ranges(len(x), 128)
        )
        inverse, kernel = ([torch.empty_like(block) for block in pairs] for _ in range(2))
        for width in np.linspace(*widths, ROUNDS):
            n = _round(x, n, float(width) ** 2, list(zip(pairs, inverse, kernel, strict=True)))
    return torch.nn.functional.normalize(n, dim=1).double().numpy()


def _round(x, n, square, blocks):
    """Normals n (n, 3) at x (n, 3) after one round with the kernel k(r) = (r^2 + square)^(-3/2).

    blocks: rows of the squared distances, and two buffers of their shapes for 1 / sqrt(r^2 + square) and k.
    """
    import torch

    def evaluate(block):
        pairs, inverse, kernel = block
        torch.add(pairs, square, out=inverse).rsqrt_()
        torch.mul(inverse, inverse, out=kernel).mul_(inverse)

    map_lanes(evaluate, blocks)

    def times(columns):  # kernel @ columns: (n, n) by (n, c)
        transposed = columns.T.contiguous()  # with few columns the product is several times faster so
        return torch.cat(map_lanes(lambda block: block[2] @ transposed.T, blocks))

    def winding(v):  # A v: sum_j k (x_j - x_i) . v_j, (n,)
        sums = times(torch.cat([v, (x * v).sum(1, keepdim=True)], 1))
        return sums[:, 3] - (x * sums[:, :3]).sum(1)

    def transposed(r):  # A' r, (n, 3); the kernel is symmetric
        sums = times(torch.cat([r[:, None], x * r[:, None]], 1))
        return x * sums[:, :1] - sums[:, 1:]

    gradient = transposed(winding(n) - 0.5)
    along = winding(gradient)
    n = n - gradient * ((gradient * gradient).sum() / (along * along).sum().clamp(min=1e-30))

    # minus the gradient of the winding field: sum_j k n_j - 3 k / (r^2 + square) (x_j - x_i) ((x_j - x_i) . n_j)
    s = (x * n).sum(1, keepdim=True)
    columns = torch.cat([x * s, s, n, (x[:, :, None] * n[:, None, :]).flatten(1)], 1)  # (n, 3 + 1 + 3 + 9)

    kn = times(n)
    map_lanes(lambda block: block[2].mul_(block[1]).mul_(block[1]), blocks)
    sums = times(columns)
    xs, ss, ns, xn = sums[:, :3], sums[:, 3:4], sums[:, 4:7], sums[:, 7:].view(-1, 3, 3)
    inner = xs - torch.einsum("nab,nb->na", xn, x) - x * ss + x * (x * ns).sum(1, keepdim=True)
    return torch.nn.functional.normalize(kn - 3 * inner, dim=1) * n.norm(dim=1, keepdim=True)


def graph_sides(
    points: np.ndarray, normals: np.ndarray, index: np.ndarray, distance: np.ndarray, votes: np.ndarray
) -> np.ndarray:
    """(n,) +1 or -1 for normals (n, 3) at points (n, 3): votes (n,), made consistent among neighbours.

    index, distance: (n, k) neighbours, the point itself first.
    """
    near, weight = index[:, 1:13], pulls(points, normals, index, distance)
    sides = votes
    for _ in range(30):
        sides = np.tanh(2 * ((weight * sides[near]).sum(1) + 0.3 * votes))
    return turn_patches(np.where(sides < 0, -1.0, 1.0), near, weight)


def turn_patches(sides: np.ndarray, near: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """sides (n,) after turning whole patches that disagree with what surrounds them along nearly all of their border.

    near, weight: (n, 12) neighbours and how much they pull. A patch is a connected part whose neighbours agree. On a
    smooth surface no border of disagreement can be right, however sure the votes were within; the smaller patch turns.
    """
    rows = np.repeat(np.arange(len(sides)), near.shape[1])
    columns, pull = near.ravel(), weight.ravel()
    for _ in range(PATCHES):
        signed = pull * sides[rows] * sides[columns]
        agree = signed > 0
        graph = coo_matrix((agree[agree], (rows[agree], columns[agree])), shape=(len(sides),) * 2)
        count, part = connected_components(graph, directed=False)
        across = part[rows] != part[columns]
        if count == 1 or not across.any():
            break
        a, b = part[rows[across]], part[columns[across]]
        conflict = np.bincount(a, -signed[across], count) + np.bincount(b, -signed[across], count)
        border = np.bincount(a, np.abs(signed[across]), count) + np.bincount(b, np.abs(signed[across]), count)
        size = np.bincount(part, minlength=count)
        turn = (conflict > CONFLICT * border) & (border > 0) & (size < len(sides) / 2)
        if not turn.any():
            break
        # one patch at a time where patches touch: the one that disagrees most
        sides = np.where(part == np.where(turn, conflict, -1).argmax(), -sides, sides)
    return sides


def pulls(points: np.ndarray, normals: np.ndarray, index: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """(n, 12): how much each of 12 neighbours wants a point's normal on its own side (on the other, if negative).

    The product of the two normals, less where the edge between the points leaves the tangent planes (across a thin wall
    or a sharp edge) and where it is long; the sizes of a row sum to 1.
    """
    near, far = index[:, 1:13], distance[:, 1:13]
    edge = points[near] - points[:, None]  # (n, 12, 3)
    edge /= np.maximum(far, 1e-30)[..., None]
    leaves = [np.abs(np.einsum("nkd,nd->nk", edge, normals)), np.abs(np.einsum("nkd,nkd->nk", edge, normals[near]))]
    flat = np.maximum(0, 1 - 1.3 * np.maximum(*leaves))
    sixth = np.maximum(distance[:, 6:7], 1e-30)
    weight = np.einsum("nkd,nd->nk", normals[near], normals) * flat * np.exp(-((far / sixth) ** 2) / 2)
    return weight / np.maximum(np.abs(weight).sum(1, keepdims=True), 1e-30)


def trusted(
    points: np.ndarray, normals: np.ndarray, index: np.ndarray, distance: np.ndarray, sides: np.ndarray
) -> np.ndarray | None:
    """(n,) the sides of normals that came with the points: as they came, where they are consistent, or None.

    They are consistent where nearly all of them agree with the sides that were found (or nearly none: then all are
    turned) and neighbours agree among them as well as among the found ones.
    """
    whole = float(sides.mean())
    if abs(whole) < AGREEMENT:
        return None
    weight = pulls(points, normals, index, distance)
    found = float((weight * sides[:, None] * sides[index[:, 1:13]]).sum())
    return np.full(len(sides), np.sign(whole)) if float(weight.sum()) >= 0.995 * found else None
