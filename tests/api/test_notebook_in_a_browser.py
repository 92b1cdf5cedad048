"""The view of a shape in a notebook, in a real browser: it is drawn, and turns with the mouse."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import trimesh
from PIL import Image

from browsing import launched, watched
from isofield.api import notebook


def test_a_shape_is_drawn_and_turns():
    problems: list[str] = []
    with launched() as browser:
        page = watched(browser, 500, 450, problems)
        page.set_content(f"<body>{notebook.view(trimesh.creation.box((1, 2, 0.3)))}")
        canvas = page.frame_locator("iframe").locator("canvas")
        canvas.wait_for()
        before = np.asarray(Image.open(BytesIO(canvas.screenshot())).convert("RGB"), float)
        box = canvas.bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(*middle)
        page.mouse.down()
        page.mouse.move(middle[0] + 80, middle[1] + 10, steps=4)
        page.mouse.up()
        after = np.asarray(Image.open(BytesIO(canvas.screenshot())).convert("RGB"), float)
    assert not problems
    background = before[2, 2]
    assert 0.03 < (np.abs(before - background).max(2) > 25).mean() < 0.9
    assert (np.abs(after - before).max(2) > 25).mean() > 0.02
