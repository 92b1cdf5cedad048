"""The manual: every link of a page leads to a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from isofield.configs.methods import BUILT_IN

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page):
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not missing


def test_every_page_of_the_manual_is_in_its_index():
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / target).resolve() for target in re.findall(r"\]\(([^)#\s]+)", index.read_text())}
    pages = {page for page in (ROOT / "docs").rglob("*.md") if "adr" not in page.parts and page != index}
    assert pages <= linked


@pytest.mark.parametrize("name", [name for group in BUILT_IN.values() for name in group])
def test_every_method_has_a_page(name):
    pages = {page.stem: page.read_text() for page in (ROOT / "docs" / "methods").glob("*.md")}
    assert name in ("auto", *pages) or any(name in page.splitlines()[0].split() for page in pages.values())
