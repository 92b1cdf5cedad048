"""Settings of the exact distance to a mesh."""

from __future__ import annotations

from dataclasses import dataclass

from isofield.configs.common import MethodSpec, Quality, check_fields, check_range


@dataclass(frozen=True)
class Triangles:
    """The faces of a mesh as they are.

    Args:
        thickness: Thickness that faces get which enclose nothing (sheets), as a fraction of the bounding box's
            diagonal; with 0 they are left out.
        points: Points on the faces that are stored with the field.
    """

    thickness: float = 0.0
    points: int = 20_000

    def __post_init__(self) -> None:
        check_range(self, "points", least=100)
        check_fields(self)


def settings(quality: Quality = "balanced") -> Triangles:
    """The same for every quality."""
    return Triangles()


TRIANGLES = MethodSpec("the faces of a mesh as they are", "isofield.methods.triangles:TrianglesMethod", settings,
    reads="mesh", cpu_only=True)  # fmt: skip
