"""Pages for a browser about spaces, data, results and scores: one file each, which needs no network."""

from __future__ import annotations

from isofield.reports.page import report

__all__ = ["report"]
