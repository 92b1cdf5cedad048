"""The page of a space of shapes: a map of codes, sliders, sums of codes, completion of scans, training curves."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
import viser
from viser import uplot

from isofield import api, render, training
from isofield.api import InferenceResult, ShapeSpace
from isofield.api.latent_ops import shape_of
from isofield.api.pictures import drawn
from isofield.errors import InputError
from isofield.io import vertices_of
from isofield.render.camera import direction, look
from isofield.surfaces import reduced
from isofield.types import IDENTITY, Cloud, Similarity
from isofield.viewer import codes, panels, scene, uploads
from isofield.viewer.drawing import draw_mesh, draw_points, look_at
from isofield.viewer.latest import Latest
from isofield.viewer.panels import ROUGH
from isofield.viewer.server import LARGEST_UPLOAD

NEIGHBOURS, SMALL = 3, 0.42
"""Nearest training shapes beside the shape, and their size."""
FLOOR, SPREAD = -1.1, 1.2
"""Height of the map below the shape, and half its side."""
NONE, MEAN = "none of them", "the mean code"
"""What the choice of a training shape says of other codes."""
FEW = 100
"""Up to this many training shapes have large dots on the map."""
RANGE = 3.0
"""Deviations that a slider reaches at least."""
TRY = """
Move a **direction**: the shape follows. Click a **dot** on the map below the shape, or choose its name. Under
**Combine**, move **Share** to walk from one shape to another. Under **Complete**, upload a part of a shape.
"""


class SpacePage:
    """The page and its state: the code that is shown, and the completion, if it is one.

    worker: extracts the surface of the code, roughly while a slider moves, finely at rest.
    """

    def __init__(
        self, server: viser.ViserServer, space: ShapeSpace, name: str, log: Path, up: str | None, cells: int
    ) -> None:
        """cells: along the longest side of the surface at rest, at first. log: the folder with the log of
        the training."""
        self.server, self.space, self.name = server, space, name
        self.directions = codes.directions_of(space)
        ((self.what, _),) = space.nearest(space.mean, 1)  # the mean itself may be a poor shape
        self.code = space.code(self.what)
        self.completion: tuple[InferenceResult, trimesh.Trimesh | Cloud] | None = None
        self.mesh: trimesh.Trimesh | None = None
        self.shapes: dict[str, trimesh.Trimesh | None] = {}
        self.busy = threading.Lock()
        start = next(mesh for id_ in (self.what, *space.ids) if (mesh := self._training_shape(id_)) is not None)
        self.up = scene.up_of(start, "y" if space.of_pictures else up)
        self.toward = look_at(server, np.asarray(start.vertices), self.up, 1.35)
        self.about = server.gui.add_markdown("")
        self.about.content = f"**{name}**"
        tabs = server.gui.add_tab_group()
        with tabs.add_tab("Explore"):
            self._explore(cells)
        if not space.of_pictures:
            with tabs.add_tab("Complete"):
                self._complete()
        with tabs.add_tab("Training"):
            self._training(log)
        panels.downloads(server, lambda: self.mesh, "shape", self.up)
        panels.help_of(server, TRY)
        self._map()
        self.worker = Latest(self._show)
        self.worker.ask()

    def _explore(self, cells: int) -> None:
        gui, ids = self.server.gui, self.space.ids
        self.pick: Any = gui.add_dropdown("Training shape", [NONE, MEAN, *ids], initial_value=self.what)
        self.resolution = panels.resolutions(self.server, cells)
        self.beside = gui.add_checkbox(
            "Nearest shapes", True, hint="Training shapes with the nearest codes, at the left"
        )
        self.mapped = gui.add_checkbox("Map of codes", True)
        reach = np.abs(codes.coordinates(self.space, self.directions, self.space.codes)).max(0, initial=RANGE)
        with gui.add_folder("Principal directions"):
            self.sliders: list[Any] = [
                gui.add_slider(f"{k + 1}", -float(np.ceil(most)), float(np.ceil(most)), 0.05, 0.0, hint="In deviations")
                for k, most in enumerate(reach)
            ]
        with gui.add_folder("Combine", expand_by_default=len(ids) > 1):
            gui.add_markdown("From + share x (to - minus): minus is *from* for an interpolation.")
            self.ends = [
                gui.add_dropdown("From", ids, initial_value=ids[0]),
                gui.add_dropdown("To", ids, initial_value=ids[-1]),
                gui.add_dropdown("Minus", ["from", *ids], initial_value="from"),
            ]
            self.share = gui.add_slider("Share", 0.0, 1.0, 0.02, 0.0)

        @self.pick.on_update
        def _(event: Any) -> None:
            if event.client is not None and self.pick.value != NONE:
                self._choose(self.pick.value)

        for slider in self.sliders:
            slider.on_update(self._slid)
        for end in self.ends:
            end.on_update(self._combined)
        self.share.on_update(self._combined)
        self.resolution.on_update(lambda _: self.worker.ask())
        self.beside.on_update(lambda _: self.worker.ask())

        @self.mapped.on_update
        def _(_: Any) -> None:
            self._map()
            self._mark()

    def _complete(self) -> None:
        gui, frames = self.server.gui, uploads.frames_of(self.space)
        gui.add_markdown(f"A mesh or cloud with a part of a shape, at most {LARGEST_UPLOAD >> 20} MB.")
        frame = gui.add_dropdown("Frame", frames, initial_value=frames[0], hint="The units and axes of the scan")
        button = gui.add_upload_button("Upload a scan")
        said = gui.add_markdown("")

        @button.on_upload
        def _(event: Any) -> None:
            if not self.busy.acquire(blocking=False):
                said.content = "Another scan is being completed: wait for it."
                return
            try:
                file = event.target.value
                said.content = f"Completing {file.name[:100]} ..."
                scan = uploads.read_upload(file.name, file.content)
                self._completed(uploads.completed(self.space, scan, file.name, frame.value), scan)
                assert self.completion is not None
                said.content = uploads.summary(self.completion[0])
            except InputError as error:
                said.content = str(error)
            except Exception as error:  # the page stays usable whatever a file does
                said.content = f"isofield failed unexpectedly ({type(error).__name__}: {str(error)[:200]})."
            finally:
                self.busy.release()

    def _training(self, log: Path) -> None:
        gui = self.server.gui
        try:
            lines = training.read_log(log)
        except InputError:
            lines = []
        if not lines:
            gui.add_markdown(f"{len(self.space.ids)} shapes, {self.space.method}: no log of a training, so no curves.")
            return
        last = lines[-1]
        gui.add_markdown(f"{last['step']} steps in {last['seconds'] / 60:.1f} min, loss {last['loss']:.5f}")
        for chart in training.curves(lines):
            series = [
                uplot.Series(label=label, stroke=f"rgb{tuple(codes.COLORS[k % len(codes.COLORS)].tolist())}", width=1)
                for k, label in enumerate(chart.curves)
            ]
            gui.add_uplot(
                (np.asarray(chart.x, np.float64), *(np.asarray(one, np.float64) for one in chart.curves.values())),
                (uplot.Series(label="step"), *series), title=chart.title, aspect=1.6,
                scales={"x": uplot.Scale(time=False), "y": uplot.Scale(distr=3 if chart.log else 1)},
                legend=uplot.Legend(show=len(series) < 6),
            )  # fmt: skip

    def _map(self) -> None:
        """The training shapes as dots on the floor, and what happens when one is clicked."""
        if not self.mapped.value:
            for part in ("/map", "/floor", "/here"):
                self.server.scene.remove_by_name(part)
            return
        places = floor_of(codes.map_of(self.space, self.space.codes), self.up)
        dot = trimesh.creation.icosphere(1, 0.035 if len(places) <= FEW else 0.022)
        dots = self.server.scene.add_batched_meshes_simple(
            "/map", dot.vertices, dot.faces, np.tile([1.0, 0, 0, 0], (len(places), 1)), places,
            batched_colors=codes.colors_of_labels([shape.label for shape in self.space.shapes]), cast_shadow=False,
        )  # fmt: skip
        corners = floor_of(1.1 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]), self.up) - 0.04 * direction(
            0, 90, self.up
        )
        draw_mesh(
            self.server, "/floor", trimesh.Trimesh(corners, [(0, 1, 2), (0, 2, 3)], process=False), IDENTITY,
            np.full((4, 3), 238, np.uint8), lit=False,
        )  # fmt: skip

        @dots.on_click
        def _(event: Any) -> None:
            if event.instance_index is not None:
                self._choose(self.space.ids[event.instance_index])

    def _mark(self) -> None:
        """A mark on the map at the code."""
        if self.mapped.value:
            (place,) = floor_of(codes.map_of(self.space, self.code), self.up)
            self.server.scene.add_icosphere("/here", 0.05, color=(20, 20, 20), position=tuple(place), cast_shadow=False)

    def _choose(self, id_: str) -> None:
        """Show the mean or a training shape."""
        self.code, self.what = self.space.mean if id_ == MEAN else self.space.code(id_), id_
        self.completion = None
        self._follow()

    def _combined(self, event: Any) -> None:
        if event.client is None:
            return
        start, toward, away = (one.value for one in self.ends)
        share = float(self.share.value)
        code, first = self.space.code, "from" if away == "from" else away
        self.code = codes.combined(code(start), code(toward), code(start if first == "from" else first), share)
        self.what = f"{start} + {share:.2f} ({toward} - {start if first == 'from' else first})"
        self.completion = None
        self._follow()

    def _completed(self, result: InferenceResult, scan: trimesh.Trimesh | Cloud) -> None:
        self.code, self.what, self.completion = result.code, f"completion of {result.id}", (result, scan)
        self._follow()

    def _slid(self, event: Any) -> None:
        if event.client is None:
            return
        wanted = np.array([slider.value for slider in self.sliders])
        self.code = codes.with_coordinates(self.space, self.directions, self.code, wanted)
        self.what, self.completion = "a code of the sliders", None
        self.pick.value = NONE
        self.worker.ask()

    def _follow(self) -> None:
        """The controls follow the code; their callbacks see events without a client."""
        for slider, value in zip(
            self.sliders, codes.coordinates(self.space, self.directions, self.code)[0].tolist(), strict=True
        ):
            slider.value = float(np.clip(value, slider.min, slider.max))
        self.pick.value = self.what if self.what in self.pick.options else NONE
        self.worker.ask()

    def _mesh_of(self, code: np.ndarray, resolution: int) -> trimesh.Trimesh | None:
        """The surface of a code, or None where it has none; at a low resolution with all its components, since thin
        parts come apart there. A picture is a plane."""
        if self.space.of_pictures:
            return scene.picture_plane(drawn(api.picture_of(self.space, code, resolution)))
        try:
            if resolution <= ROUGH:
                return self.space.sdf(code).mesh(resolution)
            return shape_of(self.space, code, resolution)
        except InputError:
            return None

    def _training_shape(self, id_: str) -> trimesh.Trimesh | None:
        if id_ not in self.shapes:
            self.shapes[id_] = self._mesh_of(self.space.code(id_), ROUGH)
        return self.shapes[id_]

    def _show(self, rough: bool) -> None:
        chosen = int(self.resolution.value)
        resolution = min(chosen, ROUGH) if rough else chosen
        code, name, completion = self.code, self.what, self.completion
        self.mesh = self._mesh_of(code, resolution)
        if self.mesh is None:
            self.server.scene.remove_by_name("/surface")
            text = "has no surface: move back towards the training shapes"
        else:
            shown, note = reduced(self.mesh)
            assert isinstance(shown, trimesh.Trimesh)
            self._draw("/surface", shown, IDENTITY)
            what = "a picture" if self.space.of_pictures else scene.described(self.mesh)
            text = f"{what}, at resolution {resolution} {note}"
        self.about.content = f"**{self.name}**: {name}  \n{text}"
        self._mark()
        self._scan(completion)
        if not rough:
            self._neighbours(code)

    def _draw(self, name: str, mesh: trimesh.Trimesh, frame: Similarity) -> None:
        """A surface, or a picture in its own colours."""
        way = scene.OWN if self.space.of_pictures else scene.PLAIN
        draw_mesh(self.server, name, mesh, frame, scene.colors_of(mesh, way), lit=not self.space.of_pictures)

    def _scan(self, completion: tuple[InferenceResult, trimesh.Trimesh | Cloud] | None) -> None:
        """The scan that was completed, over its completion."""
        if completion is None:
            self.server.scene.remove_by_name("/scan")
            return
        result, scan = completion
        frame, pose = result.observed.similarity, result.pose
        points = frame.apply(reduced(Cloud(vertices_of(scan)), points=20_000)[0].points)  # type: ignore[union-attr]
        draw_points(
            self.server,
            "/scan",
            points if pose is None else pose.apply(points),
            IDENTITY,
            np.array(render.SLATE),
            0.012,
        )

    def _neighbours(self, code: np.ndarray) -> None:
        """The nearest training shapes, small, at the left."""
        right, down, _ = look(self.toward, self.up)
        near = self.space.nearest(code, NEIGHBOURS + 1) if self.beside.value else []
        ids = [id_ for id_, distance in near if distance][:NEIGHBOURS]  # a training shape is not its own neighbour
        for k in range(NEIGHBOURS):
            name = f"/nearest/{k}"
            mesh = self._training_shape(ids[k]) if k < len(ids) else None
            if mesh is None:
                self.server.scene.remove_by_name(name)
                continue
            place = -1.75 * right + (k - (NEIGHBOURS - 1) / 2) * 0.85 * down
            x, y, z = (-place / SMALL).tolist()
            self._draw(name, mesh, Similarity((x, y, z), SMALL))
            self.server.scene.add_label(
                f"{name}/label", ids[k], position=tuple(place + 0.36 * down), anchor="top-center", font_screen_scale=0.8
            )


def floor_of(places: np.ndarray, up: str) -> np.ndarray:
    """(n, 3) in the scene of places (n, 2) on the map, which lies below the shape."""
    right, ahead = direction(90, 0, up), direction(0, 0, up)
    return FLOOR * direction(0, 90, up) + SPREAD * (places[:, :1] * right - places[:, 1:] * ahead)
