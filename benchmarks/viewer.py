"""Seconds until `isofield view` shows a shape, frames a second while it turns, and seconds until a slider is followed.

    python benchmarks/viewer.py mesh mesh-small cloud field space

For each case given: a mesh of 2 million faces, one of 200 000, a cloud of 5 million points, the level of a field and a
direction of the space `aircraft-mlp` (small networks). The browser is Chromium with software rendering, driven by
Playwright; WebGL is wrapped so that a picture counts once its pixels could be read. The clock of the first picture
starts with the command, that of a slider with the key that moves it. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from playwright.sync_api import sync_playwright

from isofield import fit, io
from isofield.types import Cloud

CASES = ("mesh", "mesh-small", "cloud", "field", "space")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
SIZE = {"width": 1280, "height": 720}
WAIT = 60_000
"""Milliseconds to wait for a picture, at most."""
TURN = 4.0
"""Seconds of turning."""
MOVES = 7
"""Steps of a slider that are timed."""
LARGE = 20_000
"""Bytes of a buffer that belongs to a shape."""
WRAPPED = """
window.pictures = []; window.frames = 0; window.arrivals = [];
{
  const gl = WebGL2RenderingContext.prototype, upload = gl.bufferData;
  let fresh = 0, asked = false;
  gl.bufferData = function (...given) {
    if (given[1] && given[1].byteLength > LARGE) fresh = fresh || Date.now() / 1000;
    return upload.apply(this, given);
  };
  for (const name of ["drawElements", "drawArrays", "drawElementsInstanced", "drawArraysInstanced"]) {
    const draw = gl[name];
    gl[name] = function (...given) {
      draw.apply(this, given);
      if (asked) return;
      asked = true;
      queueMicrotask(() => {  // once the frame's calls are all made
        const seen = fresh;
        fresh = 0;
        asked = false;
        window.frames += 1;
        if (!seen) return;
        this.readPixels(0, 0, 1, 1, this.RGBA, this.UNSIGNED_BYTE, new Uint8Array(4));
        window.pictures.push(Date.now() / 1000);
        window.arrivals.push(seen);
      });
    };
  }
}
""".replace("LARGE", str(LARGE))
"""Notes when a picture with new vertices is complete, and counts the frames that are drawn."""


def torus(around: int, across: int) -> trimesh.Trimesh:
    """A closed wavy surface of 2 * around * across faces."""
    u, v = np.meshgrid(*(np.arange(n) * 2 * np.pi / n for n in (around, across)), indexing="ij")
    r = 0.3 + 0.03 * np.sin(9 * u) * np.cos(7 * v) + 0.005 * np.sin(60 * u) * np.sin(40 * v)
    points = np.stack([(0.8 + r * np.cos(v)) * np.cos(u), (0.8 + r * np.cos(v)) * np.sin(u), r * np.sin(v)], -1)
    i, j = np.indices((around, across))
    a, b, c, d = ((((i + p) % around) * across + (j + q) % across).ravel() for p, q in ((0, 0), (1, 0), (1, 1), (0, 1)))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return trimesh.Trimesh(points.reshape(-1, 3), faces, process=False)


def write(case: str, folder: Path) -> str:
    """What the case shows, made in a folder where it is not there."""
    if case == "space":
        return "aircraft-mlp"
    path = folder / {"mesh": "2m.ply", "mesh-small": "200k.ply", "cloud": "5m.ply", "field": "field"}[case]
    if path.exists():
        return str(path)
    if case == "cloud":
        points = np.asarray(torus(2500, 2000).vertices)
        io.write_cloud(Cloud(points + np.random.default_rng(0).normal(0, 0.002, points.shape)), path)
    elif case == "field":
        fit(torus(200, 100), quality="fast").save(path)
    else:
        io.write_mesh(torus(*{"mesh": (1414, 708), "mesh-small": (447, 224)}[case]), path)
    return str(path)


def pictures(page: Any, before: int) -> float:
    """When the first picture after the first `before` ones was complete, in seconds of the clock."""
    page.wait_for_function(f"window.pictures.length > {before}", timeout=WAIT, polling=10)
    return float(page.evaluate(f"window.pictures[{before}]"))


def turned(page: Any) -> float:
    """Frames a second while the camera turns."""
    x, y = 0.4 * SIZE["width"], 0.5 * SIZE["height"]
    page.mouse.move(x, y)
    page.mouse.down()
    begun, frames = time.perf_counter(), page.evaluate("window.frames")
    step = 0
    while time.perf_counter() - begun < TURN:
        step += 1
        page.mouse.move(x + 200 * np.sin(step / 15), y + 50 * np.sin(step / 20))
    count = page.evaluate("window.frames") - frames
    page.mouse.up()
    return float(count / (time.perf_counter() - begun))


def slid(page: Any) -> tuple[float, float]:
    """Seconds from a key on the first slider until its surface is in the browser, and until it is drawn; medians."""
    slider = page.get_by_role("slider").first
    slider.focus()
    taken = []
    for _ in range(MOVES):
        page.wait_for_timeout(2500)  # at rest, and refined
        before, begun = page.evaluate("window.pictures.length"), time.time()
        page.keyboard.press("ArrowRight")
        drawn = pictures(page, before) - begun
        taken.append((page.evaluate(f"window.arrivals[{before}]") - begun, drawn))
    arrived, drawn = (statistics.median(column) for column in zip(*taken, strict=True))
    return arrived, drawn


def measured(case: str, browser: Any, shown: str) -> list[str]:
    """A row of the table."""
    page = browser.new_context(viewport=SIZE).new_page()
    page.add_init_script(WRAPPED)
    begun = time.time()
    command = [sys.executable, "-m", "isofield", "view", shown, "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        link = server.stdout.readline().split()[-1]
        served = time.time() - begun
        page.goto(link)
        first = pictures(page, 0) - begun
        page.wait_for_timeout(3000)
        slides = [f"{one:.2f}" for one in slid(page)] if case in ("field", "space") else ["-", "-"]
        return [case, f"{served:.1f}", f"{first:.1f}", f"{turned(page):.1f}", *slides]
    finally:
        server.terminate()
        server.wait()
        page.context.close()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=list(CASES), choices=CASES, metavar="CASE")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "isofield-viewer", help="of files")
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    shown = {case: write(case, options.folder) for case in options.cases}
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {datetime.date.today()}\n")
    print("| case | address, s | first picture, s | frames a second | slider to surface, s | slider to picture, s |")
    print("| --- | --- | --- | --- | --- | --- |")
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for case, one in shown.items():
            print("| " + " | ".join(measured(case, browser, one)) + " |", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
