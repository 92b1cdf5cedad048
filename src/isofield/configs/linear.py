"""Settings of linear spaces of shapes."""

from __future__ import annotations

from dataclasses import dataclass

from isofield.configs.common import MethodSpec, check_fields, check_range
from isofield.errors import InputError


@dataclass(frozen=True)
class Linear:
    """A linear space: principal components of truncated signed distances on grids. Lengths are normalised.

    Args:
        cells: Grid cells along each side of the cube (even).
        limit: Distances are truncated here.
        samples: Samples of each shape for its grid.
        stiffness: Weight of the second differences of that grid.
        iterations: Conjugate gradient steps for that grid.
        megabytes: Most space for the components.
        length: Most components, which is the length of a code.
        mirror: Axes along which mirror images count as shapes (letters of xyz, - for none); auto: those that lower the
            error of held-out shapes.
        warps: Smoothly warped copies of each shape that the components are also taken from.
        most: Most shapes and copies that the components are taken from.
        evidence: Samples that the code of an unseen shape is solved from.
        ridge: Weight of the prior on a code.
        rounds: Rounds of reweighting in the robust fit of a code.
        detail: Samples of an unseen shape for its residual grid (--refine).
        bend: Stiffness of the residual grid.
        levels: Finer levels of the residual grid near the surface, each of half the cells.
        smooth: Stiffness of those levels.
        refining: Conjugate gradient steps for those levels.
    """

    cells: int = 48
    limit: float = 0.3
    samples: int = 40_000
    stiffness: float = 0.3
    iterations: int = 12
    megabytes: float = 28.0
    length: int = 512
    mirror: str = "auto"
    warps: int = 0
    most: int = 4000
    evidence: int = 8192
    ridge: float = 3e-9
    rounds: int = 6
    detail: int = 60_000
    bend: float = 0.03
    levels: int = 2
    smooth: float = 2.0
    refining: int = 30

    def __post_init__(self) -> None:
        if self.cells < 4 or self.cells % 2:
            raise InputError(f"cells {self.cells} is out of range: give an even number of at least 4.")
        check_range(self, "limit", "stiffness", "megabytes", above=0)
        check_range(self, "samples", "iterations", "length", "most", "evidence", "rounds", "detail", least=1)
        check_fields(self)
        if self.mirror not in ("auto", "-") and (not self.mirror or not {*self.mirror} <= {*"xyz"}):
            raise InputError(f"mirror {self.mirror!r} is invalid: give auto, - for none, or letters of xyz.")


LINEAR = MethodSpec(
    "principal components of distance grids, solved at once, in about a minute", "isofield.methods.linear:LinearSpace",
    Linear, reads="signed",
)  # fmt: skip
