"""Many shapes on disk: layouts, quality gate, preparation into samples, and reading for training."""

from isofield.datasets.download import fetch, find_source
from isofield.datasets.layout import Entry, Layout, Precomputed
from isofield.datasets.layouts import find
from isofield.datasets.layouts.deepsdf import read_deepsdf, write_deepsdf
from isofield.datasets.layouts.occupancy import read_occupancy, read_pointcloud, write_occupancy, write_views
from isofield.datasets.manifest import Record
from isofield.datasets.prepare import prepare
from isofield.datasets.prepared import Prepared, by_kind, ids_of
from isofield.datasets.registry import ELSEWHERE, SOURCES
from isofield.datasets.splits import chosen, make_split, of_classes, read_split, write_lists

__all__ = [
    "ELSEWHERE",
    "SOURCES",
    "Entry",
    "Layout",
    "Precomputed",
    "Prepared",
    "Record",
    "by_kind",
    "chosen",
    "fetch",
    "find",
    "find_source",
    "ids_of",
    "make_split",
    "of_classes",
    "prepare",
    "read_deepsdf",
    "read_occupancy",
    "read_pointcloud",
    "read_split",
    "write_deepsdf",
    "write_lists",
    "write_occupancy",
    "write_views",
]
