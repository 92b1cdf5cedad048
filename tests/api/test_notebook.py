"""Fields, meshes and clouds show themselves in a notebook."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import trimesh

import isofield
from isofield.api import notebook
from isofield.types import Cloud


def panel(shown: str) -> dict:
    """The shape of a view, out of the page in its frame."""
    page = html.unescape(re.search(r'srcdoc="([^"]*)"', shown)[1])
    assert "http://" not in page and "https://" not in page  # nothing from a network
    (one,) = json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)[1])["panels"]
    return one


def faces(shown: str) -> int:
    """Faces that a view draws: base64 of three numbers of 16 bits each."""
    return len(panel(shown)["faces"]) * 3 // 4 // 6


@pytest.fixture(scope="module")
def sdf():
    return isofield.fit(trimesh.creation.icosphere(4))


def test_a_field_is_drawn_by_its_surface(sdf):
    shown = sdf._repr_html_()
    assert shown.startswith("<iframe") and len(shown) < 400_000
    words = panel(shown)
    assert 1000 < faces(shown) <= notebook.FACES
    assert words["caption"] == "SDF: triangles, Trimesh, surface at 96 cells"


def test_a_large_mesh_is_decimated_and_says_so():
    mesh = trimesh.creation.icosphere(6)  # 81 920 faces
    shown = notebook.view(mesh)
    assert faces(shown) <= notebook.FACES * 1.01 and len(shown) < 500_000
    assert re.search(r"of 81 920 faces are shown", panel(shown)["note"])


def test_a_large_cloud_is_thinned_and_says_so():
    shown = notebook.view(Cloud(np.random.default_rng(0).normal(size=(50_000, 3))))
    assert "20 000 of 50 000 points are shown" in panel(shown)["note"] and faces(shown) == 0


def test_a_small_mesh_is_whole():
    assert faces(notebook.view(trimesh.creation.box())) == 12
    assert panel(notebook.view(trimesh.creation.box()))["note"].startswith("12 faces. ")


def test_what_cannot_be_drawn_is_a_sentence(sdf):
    assert (
        notebook.view(Cloud(np.full((3, 3), np.nan)))
        == "<p>there is no finite point to draw: give a shape that has some.</p>"
    )
    assert "has no surface" in sdf.offset(-2.0)._repr_html_()


def test_ipython_draws_meshes_and_clouds():
    """In a process of its own: importing isofield loads neither trimesh nor torch, and its formatters work."""
    pytest.importorskip("IPython")
    code = (
        "import sys\nfrom IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\nimport isofield\n"
        "assert not {'trimesh', 'torch', 'numpy'} & set(sys.modules), 'heavy'\n"
        "import trimesh, numpy\n"
        "for shape in (trimesh.creation.box(), isofield.Cloud(numpy.eye(3))):\n"
        "    data, _ = shell.display_formatter.format(shape)\n"
        "    assert data['text/html'].startswith('<iframe'), data\n"
        "data, _ = shell.display_formatter.format([1, 2])\n"
        "assert 'text/html' not in data\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
