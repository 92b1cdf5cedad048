"""DeepSDF's own data (Park et al. 2019): SdfSamples/dataset/class/id.npz, with NormalizationParameters and, where they
were made, SurfaceSamples beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from isofield.datasets.layouts.entry import Entry, files
from isofield.datasets.layouts.shapenet import NAMES

SAMPLES, SURFACES, NORMALIZATION = "SdfSamples", "SurfaceSamples", "NormalizationParameters"


def find(source: Path) -> Iterator[Entry]:
    """Every .npz of samples, by dataset, class and id."""
    for path in files(source / SAMPLES, (".npz",)) if (source / SAMPLES).is_dir() else ():
        within = path.relative_to(source / SAMPLES).with_suffix("")
        label = within.parts[-2] if len(within.parts) > 1 else ""
        surface = (source / SURFACES / within).with_name(f"{within.name}.ply")
        made = {"signed": path} | ({"surface": surface} if surface.is_file() else {})
        yield Entry(within.as_posix(), NAMES.get(label, label), path, made)
