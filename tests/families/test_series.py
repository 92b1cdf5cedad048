"""Families with ranges: every draw is one closed body without inner walls, and a number names one shape for ever."""

import csv

import numpy as np
import pytest

from isofield import io
from isofield.cli.main import main
from isofield.errors import InputError
from isofield.families.series import SERIES
from isofield.families.vessels import vessel
from isofield.sampling.training_samples import surface
from isofield.solids.triangles import distance_to, inside_of

DRAWS = {"aircraft": 12, "chair": 12, "vessel": 6, "sculpture": 2}


@pytest.mark.parametrize("name", SERIES)
def test_draws_are_closed_single_and_different(name):
    volumes = []
    for number in range(DRAWS[name]):
        series = SERIES[name]
        mesh = series.build(**series.parameters(np.random.default_rng([7, number])))
        assert mesh.is_watertight and mesh.is_winding_consistent
        assert mesh.body_count == 1
        vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.faces)
        points, normals = surface(vertices, faces, 1000, np.random.default_rng(0))
        inside = inside_of(vertices, faces)
        assert inside(points - 1e-4 * normals).mean() > 0.995
        assert inside(points + 1e-4 * normals).mean() < 0.005
        volumes.append(mesh.volume)
    assert len({round(volume, 6) for volume in volumes}) == len(volumes)


@pytest.mark.parametrize("name", ["aircraft", "chair", "vessel"])
def test_every_parameter_matters(name):
    """The middle of the ranges, and one parameter at a time at an end of its own: the shape is another one."""
    series = SERIES[name]
    assert len(series.ranges) >= 10
    middle = {parameter: (low + high) / 2 for parameter, (low, high) in series.ranges.items()}
    before = series.build(**middle)
    points, _ = surface(np.asarray(before.vertices), np.asarray(before.faces), 5000, np.random.default_rng(0))
    for parameter, (_, high) in series.ranges.items():
        after = series.build(**{**middle, parameter: high})
        apart = distance_to(np.ascontiguousarray(after.vertices), np.ascontiguousarray(after.faces, dtype=np.int64))
        assert apart(points).max() > 0.003, parameter


@pytest.mark.parametrize("name", ["aircraft", "chair"])
def test_fronts_are_at_minus_z_and_tops_at_plus_y(name):
    """The highest part of an aircraft is its fin, of a chair its back: both are behind."""
    series = SERIES[name]
    vertices = np.asarray(series.build(**series.parameters(np.random.default_rng(3))).vertices)
    low, high = vertices.min(0), vertices.max(0)
    top = vertices[vertices[:, 1] > high[1] - 0.05 * (high[1] - low[1])]
    assert top[:, 2].mean() > low[2] + 0.75 * (high[2] - low[2])
    assert abs(low[0] + high[0]) < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("parameter", SERIES["sculpture"].ranges)
def test_every_parameter_of_a_sculpture_matters(parameter):
    """The middle of the ranges, but for one parameter at either end of its own: both are one closed body, and somewhere
    they are more than 0.5 % of the diagonal apart."""
    series = SERIES["sculpture"]
    middle = {name: (low + high) / 2 for name, (low, high) in series.ranges.items()}
    low, high = (series.build(**{**middle, parameter: value}) for value in series.ranges[parameter])
    for mesh in (low, high):
        assert mesh.is_watertight and mesh.is_winding_consistent and mesh.body_count == 1
        assert mesh.bounds[0, 1] < -1 and mesh.bounds[1, 1] > 2  # the plinth and the ring, both
    apart = 0.0
    for one, other in ((low, high), (high, low)):
        points, _ = surface(np.asarray(one.vertices), np.asarray(one.faces), 5000, np.random.default_rng(0))
        vertices, faces = np.ascontiguousarray(other.vertices), np.ascontiguousarray(other.faces, dtype=np.int64)
        apart = max(apart, distance_to(vertices, faces)(points).max())
    assert apart > 0.005 * low.scale


def test_whole_numbers_are_drawn_alike():
    """Counts, from below 0 on: each as often as another."""
    drawn = [SERIES["sculpture"].parameters(np.random.default_rng([1, k])) for k in range(600)]
    for name, values in (("twist", [-1, 0, 1]), ("tunnels", [0, 1, 2]), ("steps", [1, 2, 3, 4])):
        found, counts = np.unique([parameters[name] for parameters in drawn], return_counts=True)
        assert found.tolist() == values and counts.min() > 0.7 * 600 / len(values)


@pytest.mark.parametrize("handles", [0, 1, 2])
def test_a_vessel_has_the_genus_of_its_handles(handles):
    assert vessel(handles=handles).euler_number == 2 - 2 * handles


def test_make_writes_meshes_and_their_parameters(tmp_path):
    assert main(["make", "chair", str(tmp_path / "a"), "--count", "3", "--seed", "5", "--no-progress"]) == 0
    assert main(["make", "chair", str(tmp_path / "b"), "--count", "2", "--seed", "5", "--no-progress"]) == 0
    for number in range(2):  # fewer are the first of more
        files = [tmp_path / side / "chair" / f"{number:04d}.ply" for side in "ab"]
        assert files[0].read_bytes() == files[1].read_bytes()
    with (tmp_path / "a/chair/parameters.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == ["chair/0000", "chair/0001", "chair/0002"]
    parameters = {name: float(value) for name, value in rows[2].items() if name != "id"}
    again = SERIES["chair"].build(**parameters)
    assert again.volume == pytest.approx(io.read(tmp_path / "a/chair/0002.ply").volume, rel=1e-3)


def test_what_cannot_be_made_is_told(tmp_path, capsys):
    assert main(["make", "boat", str(tmp_path)]) == 2
    assert "cannot be 'boat'; choose among aircraft, chair, vessel, sculpture" in capsys.readouterr().err
    assert main(["make", "chair", str(tmp_path), "--count", "0"]) == 2
    with pytest.raises(InputError, match="parameter wall must be above 0, not 0"):
        vessel(wall=0)


def test_other_shapes_of_a_folder_stay(tmp_path, capsys):
    line = ["make", "vessel", str(tmp_path), "--no-progress"]
    assert main([*line, "--count", "2", "--seed", "5"]) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "vessel").iterdir()}
    for other in (["--count", "2", "--seed", "6"], ["--count", "1", "--seed", "5"]):
        assert main([*line, *other]) == 2
        assert "holds other shapes" in capsys.readouterr().err
        assert {path.name: path.read_bytes() for path in (tmp_path / "vessel").iterdir()} == before
    assert main([*line, "--count", "3", "--seed", "5"]) == 0  # more of them begin with the same
    assert all((tmp_path / "vessel" / name).read_bytes() == held for name, held in before.items() if ".ply" in name)
