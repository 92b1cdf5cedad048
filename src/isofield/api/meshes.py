"""Meshes that are taken at their word: judged as `prepare` judges them; a warning says what was repaired. A mesh that
encloses nothing stays open, unless it is a soup around a volume: faces that lie side by side without being joined."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
import trimesh

from isofield.configs import PrepareConfig
from isofield.configs.common import Surface
from isofield.datasets.quality_gate import SMALLEST_HOLE, faces_of, judge_mesh
from isofield.errors import InputError
from isofield.points import openness, sample_mesh
from isofield.solids.borders import seams
from isofield.solids.solid_parts import sort
from isofield.types import Similarity, normalization

RULES = PrepareConfig(thickness=0, max_thin=1, max_turned=1)
"""The rules of the gate; walls may be thin, and parts inside out."""
SOUP = 0.2
"""A mesh is a soup where more than this fraction of its borders lies on other faces: at most 0.04 of the borders of
open meshes of scans and of CAD, at least 0.4 where patches are not joined."""
PIECES, MANY = 0.1, 10
"""It is also a soup where its parts are more than this fraction of its faces, and more than this number."""
MOSTLY = 0.5
"""A mesh counts as a soup only if more than this fraction of its area encloses nothing."""
FLAT, IN_A_PLANE = 1e-6, "all its faces lie in a plane"
"""A mesh lies in a plane whose corners deviate from it by less than this fraction of how far they spread in it."""
SHOWN = 10_000
"""Points on a soup by which it is decided whether it encloses a volume."""


@dataclass(frozen=True, eq=False)
class Taken:
    """Faces that are taken at their word. triangles: (m, 3, 3) their corners, normalised; similarity: to that space.
    open: they end at borders, and enclose nothing there. reason: why they are, or are not, in words."""

    triangles: np.ndarray
    similarity: Similarity
    open: bool
    reason: str


def solid_triangles(
    mesh: trimesh.Trimesh, name: str, thickness: float = 0.0
) -> tuple[np.ndarray | None, Similarity | None, str]:
    """The corners (m, 3, 3) of the faces that determine an inside, normalised, the similarity to that space, and what
    was repaired; None, None and the reason where too much of the mesh encloses nothing.

    thickness: of faces that enclose nothing, as a fraction of the diagonal; 0 leaves them out.
    """
    corners = np.asarray(mesh.triangles)
    rules = RULES
    if thickness:
        diagonal = float(np.linalg.norm(np.ptp(corners.reshape(-1, 3), axis=0)))
        scale = normalization(corners.reshape(-1, 3)).scale
        rules = replace(RULES, thickness=thickness * diagonal * scale, max_sheets=1)
    judged = judge_mesh(mesh, name, rules)
    if judged.solids is None or judged.similarity is None:
        return None, None, judged.reason
    if len(judged.solids.solid) and _is_flat(judged.solids.vertices[judged.solids.solid].reshape(-1, 3)):
        return None, None, IN_A_PLANE
    kept = "; --surface open keeps them, --method ssd closes a surface around all faces"
    holes = "; --surface open leaves them open" if judged.figures["holes"] > SMALLEST_HOLE else ""
    reason = judged.reason + (kept if judged.figures["sheets"] and not thickness else holes)
    return judged.solids.vertices[faces_of(judged.solids)], judged.similarity, reason


def taken(mesh: trimesh.Trimesh, name: str, thickness: float, surface: Surface, required: bool) -> Taken | None:
    """The faces of a mesh, with a warning of what was repaired; None for a soup around a volume, and for a mesh that
    encloses nothing and has to be closed, or an InputError where its faces are `required`."""
    reason = ""
    if surface != "open":
        corners, similarity, reason = solid_triangles(mesh, name, thickness)
        if corners is not None and similarity is not None:
            if reason:
                warnings.warn(f"{name}: {reason}", stacklevel=3)
            thick = f", with those that do not thickened to {thickness:g} of the diagonal" if thickness else ""
            return Taken(corners, similarity, False, f"its faces enclose a volume{thick}")
        if required:
            thicken = "thicken its faces (--thickness 0.01 is 1 % of the diagonal), or "
            thicken = "" if thickness or reason == IN_A_PLANE else thicken
            raise InputError(f"{name} encloses no volume ({reason}): {thicken}take --method auto.")
    return None if surface == "closed" else _as_it_is(mesh, name, reason)


def _is_flat(points: np.ndarray) -> bool:
    """Whether points (n, 3) lie in a plane, as those of a closed mesh that was flattened."""
    spread = np.linalg.eigvalsh(np.cov(points.T))
    return bool(spread[0] < FLAT**2 * spread[2])


def _as_it_is(mesh: trimesh.Trimesh, name: str, reason: str) -> Taken | None:
    """The faces of an open mesh, none left out but those without area and repeated ones, with a warning; None for
    a soup whose points surely enclose a volume: between thin parts, for example, they cannot decide."""
    corners = np.asarray(mesh.triangles)
    similarity = normalization(corners.reshape(-1, 3))
    solids = sort(similarity.apply(mesh.vertices), np.asarray(mesh.faces))
    faces = faces_of(solids)
    pieces = solids.parts > max(PIECES * len(faces), MANY)
    if solids.sheets > MOSTLY and (pieces or seams(solids.vertices, solids.sheet) > SOUP):
        shown = openness(similarity.apply(sample_mesh(mesh, SHOWN, 0).points))
        if not shown.open and np.isfinite(shown.level):
            return None
    if solids.dropped:
        warnings.warn(f"{name}: {solids.dropped} faces without area or repeated are left out", stacklevel=4)
    return Taken(solids.vertices[faces], similarity, True, reason.removeprefix("sheet: ") or "as asked")
