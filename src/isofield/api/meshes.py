"""Meshes that are taken at their word: judged as `prepare` judges them; a warning says what was repaired."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import trimesh

from isofield.configs import PrepareConfig
from isofield.datasets.quality_gate import faces_of, judge_mesh
from isofield.errors import InputError
from isofield.types import Similarity, normalization

RULES = PrepareConfig(thickness=0, max_thin=1, max_turned=1)
"""The rules of the gate; walls may be thin, and parts inside out."""


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
    return judged.solids.vertices[faces_of(judged.solids)], judged.similarity, judged.reason


def taken(mesh: trimesh.Trimesh, name: str, thickness: float, required: bool) -> tuple[np.ndarray, Similarity] | None:
    """`solid_triangles`, with a warning of what was repaired; None for a mesh that encloses nothing, or an InputError
    where its faces are `required`."""
    corners, similarity, reason = solid_triangles(mesh, name, thickness)
    if corners is None or similarity is None:
        if not required:
            return None
        raise InputError(
            f"{name} encloses no volume ({reason}): thicken its faces (--thickness 0.01 is 1 % of the diagonal), or "
            "take --method auto."
        )
    if reason:
        warnings.warn(f"{name}: {reason}", stacklevel=3)
    return corners, similarity
