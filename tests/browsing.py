"""Chromium without a screen, driven by Playwright; a module that imports this is skipped where one is missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

TimeoutError = playwright.TimeoutError

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("there is no Chromium here (Debian: apt-get install chromium)", allow_module_level=True)

ARGUMENTS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
WAIT = 60_000
"""Milliseconds; far more than anything takes."""


@contextmanager
def launched() -> Iterator[Any]:
    """A browser, closed at the end."""
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def watched(browser: Any, width: int, height: int, problems: list[str]) -> Any:
    """A new page whose errors are added to `problems`."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    return page
