"""The settings of `isofield prepare`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from isofield.configs.common import Quality, check_fields, check_positive, check_range, check_seed
from isofield.errors import InputError

SampleKind = Literal[
    "signed", "unsigned", "cloud", "levelset", "occupancy", "surface", "views", "plane", "contour", "image"
]
"""Kinds of training samples (`sampling.training_samples`, `datasets.views`, `sampling.picture_samples`)."""
SAMPLE_KINDS = get_args(SampleKind)
Sign = Literal["winding", "visibility", "parity"]
"""How the inside of a mesh is determined (`datasets.prepare_shape`)."""
Normalize = Literal["shape", "dataset", "none"]
"""Which similarity maps shapes to the normalised space: one per shape, one for all, or none."""
Queries = Literal["mixed", "paper", "released"]
"""How far the queries of cloud samples deviate (`sampling.training_samples`)."""
WITHOUT_SIGN = ("unsigned", "cloud")
"""Kinds of samples that open scans have as they are."""
OF_PICTURES = ("plane", "contour", "image")
"""Kinds of samples of pictures; the others are of shapes in space."""
VIEW, PICTURE = 224, 64
"""Pixels along each side of a view, and of a picture, where `size` does not say."""


@dataclass(frozen=True)
class PrepareConfig:
    """How training samples are made from shapes. Lengths are normalised: a shape has the radius 1/1.03.

    Args:
        samples: Kinds of samples, each a file per shape: signed (DeepSDF), unsigned (SAL, SALD), cloud (Neural-Pull),
            levelset (MetaSDF), occupancy, surface; views are pictures, depth images and cameras. Point clouds have
            unsigned, cloud and surface; the normals of the last are 0 where the points have none. Pictures have plane
            (signed distance of every pixel) and contour, or image (colours).
        count: Samples of each kind per shape; contour samples: at most as many as pixels; all pixels of the others.
        fit: Fit every scan first (`isofield fit`), and take the samples of the closed surface that comes out, except
            where no point of the scan is near it. For open scans and clouds, which have no inside.
        drop_floor: Leave out the floor below a scan with faces, a plane below all others that faces them; --fit always
            does.
        quality: With --fit, how densely a scan is sampled, and how fine its grid is.
        seed: Seed of the samples; with it and its id, a shape has the same samples in any order, on any number of
            workers.
        variances: Variances of the bands of signed samples near the surface, in equal parts; DeepSDF tests with
            0.05 0.0005 and --count 250000.
        near: Fraction of signed samples that are near the surface; the others are uniform in the cube from -1 to 1.
        levelset_variances: Variances of the levelset samples off the surface.
        unsigned_neighbour: Half of the unsigned samples deviate from a surface point by the distance to this neighbour
            among --points surface points.
        unsigned_deviation: Standard deviation of the other half.
        queries: How far the queries of cloud samples deviate from the points. paper: by the distance to a neighbour
            (Neural-Pull; the default --count is its 25 a point). released: 25 of 40 by twice as much, as in its
            released code, which has 40 a point (--count 800000). mixed: as in the paper, and a tenth of them by 0.3.
        cloud_neighbour: That neighbour in a cloud of 20 000 points; in a smaller one it shrinks with their number.
        cloud_points: Most points of a cloud that queries are drawn around and pulled to (20 000 in Neural-Pull); of
            larger clouds as many are chosen at random.
        occupancy_padding: Occupancy samples fill the cube from -1 to 1, extended by this length on every side.
        points: Surface points that are drawn first, for the kinds that need them.
        normalize: Scale each shape to the unit ball (shape); scale the data set as a whole, so that its shapes keep
            their sizes and positions (dataset); or keep units, where shapes lie in the unit ball already (none).
        similarity: Centre x y z and scale of --normalize dataset (default: computed from all shapes).
        sign: How the inside is determined: winding number; visibility from 100 cameras, as in DeepSDF's preprocessing;
            or parity of ray crossings, for single closed bodies.
        max_back_pixels: With --sign visibility, reject shapes if more than this fraction of the pixels show a face
            whose other side is visible, too.
        max_two_sided: With --sign visibility, reject shapes if more than this fraction of the faces is seen from both
            sides.
        thickness: Thickness of the thickened sheets (open surfaces, which enclose nothing); 0 leaves sheets
            out.
        outer: Keep only the outer surface of overlapping parts.
        max_sheets: With --thickness 0, reject shapes with more than this fraction of their area in sheets.
        max_turned: Reject shapes with more than this fraction of their surface inside out.
        max_thin: Reject shapes with more than this fraction of their surface thinner than a thousandth.
        half: Write 16-bit numbers.
        views: Number of views per shape.
        size: Pixels along each side of a view (default 224), and of a picture (default 64).
        crops: Random square parts of each picture, for image samples; 1 takes the largest square in its middle.
        dark: Pictures show dark shapes on a bright background.
    """

    samples: tuple[SampleKind, ...] = ("signed",)
    count: int = 500_000
    fit: bool = False
    drop_floor: bool = False
    quality: Quality = "fast"
    seed: int = 0
    variances: tuple[float, ...] = (0.005, 0.0005)
    near: float = 47 / 50
    levelset_variances: tuple[float, ...] = (0.05, 0.0005)
    unsigned_neighbour: int = 11
    unsigned_deviation: float = 0.3
    queries: Queries = "mixed"
    cloud_neighbour: int = 51
    cloud_points: int = 20_000
    occupancy_padding: float = 0.1
    points: int = 250_000
    normalize: Normalize = "shape"
    similarity: tuple[float, float, float, float] | None = None
    sign: Sign = "winding"
    max_back_pixels: float = 0.02
    max_two_sided: float = 0.03
    thickness: float = 0.0175
    outer: bool = False
    max_sheets: float = 0.1
    max_turned: float = 0.02
    max_thin: float = 0.5
    half: bool = False
    views: int = 24
    size: int | None = None
    crops: int = 1
    dark: bool = False

    @property
    def of_pictures(self) -> bool:
        """Whether the samples are those of pictures."""
        return bool({*self.samples} & {*OF_PICTURES})

    @property
    def pixels(self) -> int:
        """Pixels along each side of a picture, or of a view."""
        return self.size or (PICTURE if self.of_pictures else VIEW)

    def __post_init__(self) -> None:
        check_range(self, "count", "views", "crops", "unsigned_neighbour", "cloud_neighbour", least=1)
        check_range(self, "points", "cloud_points", least=100)
        if self.size is not None:
            check_range(self, "size", least=8)
        check_fields(self, signed=("similarity",))
        for kind in self.samples:
            if kind not in SAMPLE_KINDS:
                raise InputError(f"samples cannot be {kind!r}: choose among {', '.join(SAMPLE_KINDS)}.")
        if not self.samples:
            raise InputError(f"samples is empty: choose among {', '.join(SAMPLE_KINDS)}.")
        if self.of_pictures and (others := [kind for kind in self.samples if kind not in OF_PICTURES]):
            raise InputError(f"pictures have no {' and '.join(others)} samples: prepare shapes in space by themselves.")
        if "image" in self.samples and len(self.samples) > 1:
            raise InputError("image samples share a folder with no other kind: prepare them by themselves.")
        if self.fit and self.of_pictures:
            raise InputError("--fit is for scans: leave it out for pictures.")
        if self.fit and (without := [kind for kind in self.samples if kind in WITHOUT_SIGN]):
            raise InputError(f"{' and '.join(without)} samples need no inside: prepare them without --fit.")
        if self.fit and self.sign != "winding":
            raise InputError(f"--sign {self.sign} is for meshes as they are: leave it out, or --fit.")
        for name in ("near", "max_back_pixels", "max_two_sided", "max_sheets", "max_turned", "max_thin"):
            if not 0 <= (share := getattr(self, name)) <= 1:
                raise InputError(f"{name.replace('_', '-')} must be a fraction from 0 to 1, not {share:g}.")
        for name in ("variances", "levelset_variances"):
            check_positive(self, name)
        if not 0 <= self.thickness < 0.5:
            raise InputError(f"thickness must be at least 0 and below 0.5 (of the unit ball), not {self.thickness:g}.")
        if self.similarity is not None and not self.similarity[3] > 0:
            raise InputError(f"similarity must end with a scale above 0, not {self.similarity[3]:g}.")
        check_seed(self.seed)


def prepare_config(settings: Mapping[str, Any]) -> PrepareConfig:
    """The settings of `prepare` out of JSON-plain data; unknown names are ignored."""
    names = {field.name for field in fields(PrepareConfig)}
    known: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items() if k in names}
    return PrepareConfig(**known)
