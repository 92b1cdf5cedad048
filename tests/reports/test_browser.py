"""A page in a real browser, opened from disk."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from browsing import launched, watched
from isofield import io, reports
from isofield.cli.evaluate import evaluate


@pytest.fixture(scope="module")
def scores(tmp_path_factory) -> Path:
    """A page about three boxes and their results."""
    folder = tmp_path_factory.mktemp("page")
    for number in range(3):
        box = trimesh.creation.box((1, 2, 3 + 0.1 * number)).subdivide().subdivide()
        for name, scale in (("pred", 1.02), ("truth", 1.0)):
            io.write_mesh(box.copy().apply_scale(scale), folder / name / f"box<b>{number}.ply")
    evaluate(folder / "pred", folder / "truth", samples=500, csv=folder / "scores.csv")
    return reports.report([folder / "scores.csv", folder / "truth" / "box<b>0.ply"], folder / "page.html")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as browser:
        yield browser


@pytest.fixture(params=[(1280, 720), (375, 700)], ids=["wide", "narrow"])
def page(request, scores, browser) -> Iterator[Any]:
    problems: list[str] = []
    page = watched(browser, *request.param, problems)
    page.on("request", lambda one: None if one.url.startswith(("file:", "data:")) else problems.append(one.url))
    page.goto(scores.as_uri())
    yield page
    page.close()
    assert not problems


def picture(page, number: int) -> np.ndarray:
    """The pixels of a canvas, once it is in view."""
    canvas = page.locator("canvas").nth(number)
    canvas.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    return np.asarray(Image.open(BytesIO(canvas.screenshot())).convert("RGB"), np.int16)


def drawn(image: np.ndarray) -> float:
    """The fraction of pixels that are not the background's."""
    return float((np.abs(image - image[5, image.shape[1] // 2]).max(2) > 25).mean())


def test_cameras_of_a_shape_are_linked_and_those_of_others_are_not(page):
    assert page.locator("canvas").count() == 7
    before = [picture(page, number) for number in range(3)]
    assert all(drawn(image) > 0.1 for image in before)
    box = page.locator("canvas").nth(0).bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 60, middle[1] + 5, steps=4)
    page.mouse.up()
    after = [picture(page, number) for number in range(3)]
    moved = [float((np.abs(one - two).max(2) > 25).mean()) for one, two in zip(before, after, strict=True)]
    assert min(moved[:2]) > 0.03 and moved[2] < 0.01
    page.keyboard.press("+")
    assert drawn(picture(page, 1)) > 1.05 * drawn(after[1])
    page.keyboard.press("Home")
    assert np.abs(picture(page, 1) - before[1]).max() < 30


def test_every_canvas_is_drawn_and_nothing_is_wider_than_the_window(page):
    assert all(drawn(picture(page, number)) > 0.1 for number in range(7))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.get_by_text("box<b>2").first.is_visible()


def test_a_heading_sorts_its_table(page):
    names = lambda: page.locator("table").nth(1).locator("tbody td:first-child").all_inner_texts()  # noqa: E731
    page.get_by_role("button", name="shape").click()
    assert names() == [f"box<b>{number}" for number in range(3)]
    page.get_by_role("button", name="shape").click()
    assert names() == [f"box<b>{number}" for number in range(2, -1, -1)]
