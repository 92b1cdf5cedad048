"""The pages in a real browser: Chromium without a screen, driven by Playwright; skipped where one is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

import isofield
import toys
from browsing import WAIT, TimeoutError, launched, watched
from isofield import io
from isofield.types import Cloud

pytest.importorskip("viser", reason="viser is not installed")
from isofield.viewer import codes, open_viewer, server
from isofield.viewer.space_page import floor_of

SIZE = (640, 480)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as browser:
        yield browser


@pytest.fixture
def opened(browser) -> Iterator[Any]:
    """opened(path): the viewer of a path and its page, which has to stay free of errors in its console."""
    problems: list[str] = []
    stops = []

    def open_page(path) -> tuple[Any, Any]:
        viewer = open_viewer(path, port=0, resolution=32, up="y")
        page = watched(browser, *SIZE, problems)
        stops.extend([page.close, viewer.stop])
        page.goto(viewer.links[0])
        page.get_by_text("at resolution").wait_for(timeout=WAIT)
        assert viewer.workers[0].wait(WAIT / 1000)
        return viewer, page

    yield open_page
    for stop in stops:
        stop()
    assert not problems


def counts(page) -> str:
    """The line about the surface: its faces, its size and the resolution."""
    found = re.search(r"[\d ]+ faces.*?resolution\s+\d+", page.locator("body").inner_text(), re.DOTALL)
    assert found is not None
    return found.group()


def sides(line: str) -> list[float]:
    return [float(side) for side in line.split(", ")[1].split(" x ")]


def changed(page, before: str) -> str:
    """The line about the surface once it is another one."""
    page.wait_for_function(
        "before => { const now = document.body.innerText.match(/[\\d ]+ faces[^]*?resolution\\s+\\d+/);"
        " return now !== null && now[0] !== before; }",
        arg=before,
        timeout=WAIT,
    )
    return counts(page)


def press(page, slider: int, key: str, times: int) -> None:
    page.get_by_role("slider").nth(slider).focus()
    for _ in range(times):
        page.keyboard.press(key)


def upload(page, path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload a scan").click()
    chooser.value.set_files(path)


def lone_dot(viewer, space) -> tuple[str, tuple[float, float]]:
    """The training shape whose dot on the map is farthest from all others on the screen, clear of the controls, and
    where it is there: pixels from the left and from the top."""
    (client,) = viewer.server.get_clients().values()
    camera = client.camera
    ahead = camera.look_at - camera.position
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, camera.up_direction)
    right /= np.linalg.norm(right)
    places = floor_of(codes.map_of(space, space.codes), "y") - camera.position
    flat = np.stack([places @ right, -places @ np.cross(right, ahead)], 1) / (places @ ahead)[:, None]
    spots = np.asarray(SIZE) / 2 + flat * SIZE[1] / 2 / np.tan(camera.fov / 2)
    apart = np.linalg.norm(spots[:, None] - spots, axis=2) + np.diag(np.full(len(spots), np.inf))
    clear = ((spots > (20, 200)) & (spots < (300, 460))).all(1)
    row = int(np.where(clear, apart.min(1), 0).argmax())
    return space.ids[row], tuple(spots[row].tolist())


def click_lone_dot(viewer, page, space) -> None:
    """Click on that dot until its shape is shown: a busy browser may report its camera late, or lose a click."""
    id_, _ = lone_dot(viewer, space)
    shown = page.get_by_text(f"run: {id_}")
    assert shown.count() == 0
    for _ in range(10):
        id_, spot = lone_dot(viewer, space)
        shown = page.get_by_text(f"run: {id_}")
        page.mouse.move(*spot)
        page.mouse.click(*spot)
        try:
            return shown.wait_for(timeout=WAIT / 4)
        except TimeoutError:
            continue
    raise AssertionError(f"ten clicks at {spot} did not show {id_}")


def pixels(page) -> np.ndarray:
    picture = page.screenshot(clip={"x": 0, "y": 180, "width": 300, "height": 300})
    return np.asarray(Image.open(BytesIO(picture)).convert("RGB"), np.int16)


@pytest.mark.slow
def test_the_level_of_a_field_moves_its_surface(opened, ball, tmp_path):
    isofield.fit(ball, quality="fast").save(tmp_path / "field")
    viewer, page = opened(tmp_path / "field")
    before, picture = counts(page), pixels(page)
    press(page, 0, "End", 1)
    after = changed(page, before)
    assert viewer.workers[0].wait(WAIT / 1000)
    assert sides(before)[0] == pytest.approx(2, abs=0.02) and sides(after)[0] > 2.2
    assert (np.abs(pixels(page) - picture).max(2) > 20).mean() > 0.02
    with page.expect_download(timeout=WAIT) as download:
        page.get_by_role("button", name=".ply").click()
    download.value.save_as(tmp_path / "surface.ply")
    saved = io.read(tmp_path / "surface.ply")
    assert saved.is_watertight and np.allclose(np.ptp(saved.vertices, axis=0), sides(after), atol=0.01)


@pytest.mark.slow
def test_a_space_is_explored_and_a_scan_completed(opened, toy_run, toy_space, tmp_path, monkeypatch):
    viewer, page = opened(toy_run)
    click_lone_dot(viewer, page, toy_space)
    assert viewer.workers[0].wait(WAIT / 1000)
    before = counts(page)
    press(page, 0, "ArrowRight", 20)
    changed(page, before)
    page.get_by_text("a code of the sliders").wait_for(timeout=WAIT)
    page.get_by_role("tab", name="Complete").click()
    points = np.asarray(toys.toy(40).sample(4000))
    io.write_cloud(Cloud(points[points[:, 0] > -0.05]), tmp_path / "part.ply")
    (tmp_path / "bad.ply").write_bytes(b"hello")
    for name, answer in (("bad.ply", "bad.ply is not a PLY file"), ("part.ply", "observed surface is explained")):
        upload(page, tmp_path / name)
        page.get_by_text(answer).wait_for(timeout=WAIT)
    page.get_by_text("completion of part").wait_for(timeout=WAIT)
    monkeypatch.setattr(server, "LARGEST_UPLOAD", 1000)
    upload(page, tmp_path / "part.ply")
    page.get_by_text("The file is too large").wait_for(timeout=WAIT)
    page.get_by_role("tab", name="Training").click()
    page.get_by_text("no log of a training").wait_for(timeout=WAIT)
