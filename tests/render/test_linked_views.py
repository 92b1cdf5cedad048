"""Pages of shapes in linked cameras: what they hold is the shapes."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
import trimesh

from isofield.errors import InputError
from isofield.render import Panel, linked_views
from isofield.types import Cloud


def packed(page: str) -> list[dict]:
    """The panels of a page, decoded as its script does it."""
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    panels = json.loads(data[1])["panels"]
    for panel in panels:
        count = np.frombuffer(base64.b64decode(panel["points"]), "<u2").reshape(-1, 3)
        wide = len(count) > 65_535
        panel["points"] = panel["low"] + panel["step"] * count.astype(float)
        panel["faces"] = np.frombuffer(base64.b64decode(panel["faces"]), "<u4" if wide else "<u2").reshape(-1, 3)
        panel["colors"] = np.frombuffer(base64.b64decode(panel["colors"]), np.uint8).reshape(-1, 3)
    return panels


def test_a_page_holds_the_shapes():
    ball = trimesh.creation.icosphere(3)
    ball.visual.vertex_colors = np.linspace(0, 255, 3 * len(ball.vertices)).reshape(-1, 3).astype(np.uint8)
    cloud = Cloud(np.array([(0.0, 0, 0), (2, 0, 0), (np.nan, 0, 0)]))
    first, second = packed(linked_views([Panel(ball, "one"), Panel(cloud, "two", "note")], "title"))
    scale = np.linalg.norm((3, 2, 2)) / 2  # the radius of everything: x from -1 to 2, y and z from -1 to 1
    assert np.abs(first["points"] * scale + (0.5, 0, 0) - ball.vertices).max() < 2 / 130_000 * 1.01
    assert (first["faces"] == ball.faces).all()
    assert (first["colors"] == np.asarray(ball.visual.vertex_colors)[:, :3]).all()
    assert np.allclose(second["points"] * scale + (0.5, 0, 0), [(0, 0, 0), (2, 0, 0)], atol=1e-4)
    assert len(second["faces"]) == 0 and (second["caption"], second["note"]) == ("two", "note")


def test_many_points_have_wide_indices():
    ball = trimesh.creation.icosphere(7)  # 163 842 vertices
    panel = packed(linked_views([Panel(ball, "")], ""))[0]
    assert (panel["faces"] == ball.faces).all()


def test_words_are_text_and_not_markup():
    page = linked_views([Panel(trimesh.creation.box(), "</script><b>", "<i>")], "<u>")
    assert "<u>" not in page and "<b>" not in page and "<i>" not in page
    assert packed(page)[0]["caption"] == "</script><b>"


def test_an_empty_panel_is_kept():
    page = packed(linked_views([Panel(Cloud(np.empty((0, 3))), "no result"), Panel(trimesh.creation.box(), "")], ""))
    assert len(page[0]["points"]) == 0 and len(page[1]["faces"]) == 12
    with pytest.raises(InputError, match="no finite point"):
        linked_views([Panel(Cloud(np.empty((0, 3))), "")], "")


@pytest.mark.skipif(shutil.which("node") is None, reason="the script is parsed by node")
def test_the_script_parses(tmp_path):
    script = linked_views([Panel(trimesh.creation.box(), "")], "").split("<script>")[1].split("</script>")[0]
    (tmp_path / "script.js").write_text(script)
    subprocess.run(["node", "--check", str(tmp_path / "script.js")], check=True)
