"""The page of a prepared data set."""

from __future__ import annotations

import pytest

from isofield.datasets import Record

pytest.importorskip("viser", reason="viser is not installed")
from isofield.viewer.samples_page import outcomes


def test_rejects_are_listed_with_their_reasons():
    records = [Record(f"r{k}", "", "", "reject", f"reason {k}") for k in range(32)]
    text = outcomes([*records, Record("a", "", "", "accept", "")])
    assert text.startswith("accept 1, reject 32\n\n- **r0**: reason 0\n") and text.endswith("and 2 more, in report.csv")
