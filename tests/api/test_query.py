"""What a field says of points, and the files that hold it."""

import numpy as np
import pytest

from isofield import api, io
from isofield.errors import InputError

CENTER, RADIUS = np.array([10.0, -20.0, 30.0]), 4.0


@pytest.fixture
def answers(ball):
    x = CENTER + np.random.default_rng(0).uniform(-5, 5, (500, 3))
    x[7] = np.nan
    return api.query(ball, x, normals=True, projections=True)


def test_answers_are_the_fields(ball, answers):
    known = np.isfinite(answers.points).all(1)
    assert known.sum() == 499
    x = answers.points[known]
    assert np.array_equal(answers.distances[known], ball(x))
    assert np.array_equal(answers.normals[known], ball.normals(x))
    assert np.array_equal(answers.projections[known], ball.project(x))
    for values in (answers.distances, answers.normals, answers.projections):
        assert np.isnan(values[7]).all()


def test_every_file_holds_the_same(answers, tmp_path):
    for name in ("a.csv", "a.npy", "a.npz", "a.ply"):
        api.write_query(answers, tmp_path / name)
    table = np.load(tmp_path / "a.npy")
    assert table.shape == (500, 10)
    assert np.array_equal(table[:, 3], answers.distances, equal_nan=True)
    assert (tmp_path / "a.csv").read_text().startswith("x,y,z,distance,nx,ny,nz,px,py,pz\n")
    assert np.allclose(np.loadtxt(tmp_path / "a.csv", delimiter=",", skiprows=1), table, equal_nan=True, rtol=1e-7)
    arrays = np.load(tmp_path / "a.npz")
    assert set(arrays) == {"points", "distances", "normals", "projections"}
    assert np.array_equal(arrays["projections"], table[:, 7:], equal_nan=True)
    with pytest.warns(UserWarning, match="normals are zero or not finite"):
        cloud = io.read(tmp_path / "a.ply")
    assert np.array_equal(cloud.points, answers.points, equal_nan=True)


def test_distances_alone(ball, tmp_path):
    api.write_query(api.query(ball, CENTER[None]), tmp_path / "one.csv")
    lines = (tmp_path / "one.csv").read_text().splitlines()
    assert lines[0] == "x,y,z,distance"
    assert [float(v) for v in lines[1].split(",")] == pytest.approx([*CENTER, -RADIUS], abs=0.05)
    with pytest.raises(InputError, match="cannot write"):
        api.write_query(api.query(ball, CENTER[None]), tmp_path / "one.obj")
