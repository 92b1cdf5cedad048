"""Viewpoints and directions that the caller gives."""

import json
import warnings

import numpy as np
import pytest

from isofield import api
from isofield.api.fit import LOOK
from isofield.api.viewpoints import check_sensors, with_viewpoint
from isofield.cli.main import main
from isofield.errors import InputError
from isofield.io import hidden_fraction
from isofield.kdtree import KDTree, nearest
from isofield.types import Cloud


def two_walls() -> Cloud:
    """Two parallel squares: from the side one hides the other."""
    x, y = np.meshgrid(*[np.linspace(-1, 1, 80)] * 2)
    return Cloud(np.concatenate([np.stack([x, y, np.full_like(x, z)], -1).reshape(-1, 3) for z in (0.0, 1.0)]))


def test_viewpoints_are_read(tmp_path):
    assert api.read_viewpoint("1,-2,3.5").tolist() == [1, -2, 3.5]
    rows = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    (tmp_path / "v.json").write_text(json.dumps(rows))
    (tmp_path / "v.csv").write_text("1,2,3\n4,5,6\n")
    np.save(tmp_path / "v.npy", rows)
    for name in ("v.json", "v.csv", "v.npy"):
        assert api.read_viewpoint(str(tmp_path / name)).tolist() == rows
    (tmp_path / "v.txt").write_text("1 2\n")
    with pytest.raises(InputError, match="holds no viewpoints"):
        api.read_viewpoint(str(tmp_path / "v.txt"))
    with pytest.raises(InputError, match="there is no file"):
        api.read_viewpoint(str(tmp_path / "none.txt"))
    for text in ("1,2", "a,b,c", "1,2,nan"):
        with pytest.raises(InputError, match="--viewpoint cannot be"):
            api.read_viewpoint(text)


def test_directions_are_read():
    assert api.read_up("-y").tolist() == [0, -1, 0]
    assert api.read_up("0,1,1").tolist() == [0, 1, 1]
    with pytest.raises(InputError, match="--up cannot be 'w'"):
        api.read_up("w")


def test_a_viewpoint_between_the_walls_is_taken_and_one_beside_them_is_refused():
    cloud = two_walls()
    inside = with_viewpoint(cloud, "walls", [0.0, 0.0, 0.5], None)
    assert (inside.sensors == [0, 0, 0.5]).all()
    assert hidden_fraction(inside) < 0.01
    with pytest.raises(InputError, match="lie behind others as seen from the viewpoint"):
        with_viewpoint(cloud, "walls", [0.0, 0.0, 30.0], None)


def test_a_viewpoint_beside_a_ball_of_few_points_is_refused():
    """The far half lies behind the near one, though most of its points have a pixel of their own."""
    ball = np.random.default_rng(0).normal(size=(3000, 3))
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    with pytest.raises(InputError, match=r"4[0-9] % of the points lie behind others as seen from the viewpoint"):
        with_viewpoint(Cloud(ball), "ball", [50.0, 0, 0], None)


def test_sensors_of_another_frame_are_warned_of_and_many_of_them_not_used():
    cloud = two_walls()
    right, wrong = (np.tile([0.0, 0.0, z], (len(cloud.points), 1)) for z in (0.5, 30.0))
    some = np.arange(len(right)) % 10 < 3
    for sensors, words, used in ((wrong, "so that these positions are not used", False), (right, None, True)):
        given = Cloud(cloud.points, sensors=sensors)
        with warnings.catch_warnings() if words is None else pytest.warns(UserWarning, match=words):
            warnings.simplefilter("error" if words is None else "always")
            assert (check_sensors(given, "walls").sensors is not None) == used
    with pytest.warns(UserWarning, match="which may be in another frame"):
        assert (
            check_sensors(Cloud(cloud.points, sensors=np.where(some[:, None], wrong, right)), "walls").sensors
            is not None
        )


def test_up_is_a_sensor_far_away_and_disagrees_with_one_below():
    floor = Cloud(two_walls().points[:6400])
    above = with_viewpoint(floor, "floor", None, [0, 0, 2.0])
    up = above.sensors - above.points
    assert (up[:, 2] / np.linalg.norm(up, axis=1) > 0.999).all()
    below = Cloud(floor.points, sensors=np.tile([0.0, 0.0, -3.0], (6400, 1)))
    with pytest.warns(UserWarning, match="sensors of the file are in another direction than --up"):
        with_viewpoint(below, "floor", None, [0, 0, 1])
    aside = Cloud(floor.points, sensors=np.tile([300.0, 0.0, 3.0], (6400, 1)))
    with pytest.warns(UserWarning, match="sensors of the file are in another direction than --up"):
        with_viewpoint(aside, "floor", None, [0, 0, 1])


def test_a_ball_is_not_seen_from_above_and_a_roof_over_a_part_is_doubted():
    ball = np.random.default_rng(0).normal(size=(3000, 3))
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    with pytest.raises(InputError, match=r"4[0-9] % of the points .* from this direction: let --up name the side"):
        with_viewpoint(Cloud(ball), "ball", None, [0, 0, 1])
    floor = two_walls().points[:6400]
    roof = floor[floor[:, 0] > np.quantile(floor[:, 0], 0.8)] + [0, 0, 0.5]
    with pytest.warns(UserWarning, match=r"1[0-9] % of the points lie behind others as seen from this direction"):
        with_viewpoint(Cloud(np.concatenate([floor, roof])), "roof", None, [0, 0, 1])


@pytest.mark.parametrize(
    ("viewpoint", "up", "words"),
    [
        ([0, 0, 1], [0, 0, 1], "exclude each other"),
        (np.zeros((5, 3)), None, "--viewpoint has 5 rows, and walls has 12800 points"),
        (None, [0, 0, 0], "not all zero"),
    ],
)
def test_broken_viewpoints(viewpoint, up, words):
    with pytest.raises(InputError, match=words):
        with_viewpoint(two_walls(), "walls", viewpoint, up)


def test_a_file_of_too_few_viewpoints_is_named(tmp_path):
    file = tmp_path / "seen_from.txt"
    np.savetxt(file, np.ones((5, 3)))
    with pytest.raises(InputError, match=r"seen_from.txt has 5 rows, and Cloud has 12800 points: give one position"):
        api.fit(two_walls(), viewpoint=file)


@pytest.mark.filterwarnings("ignore:.*not finite")
def test_viewpoints_of_points_that_are_not_finite_are_dropped_with_them(tmp_path):
    walls = two_walls()
    lost = np.arange(len(walls.points)) % 20 == 3
    inside = np.random.default_rng(0).uniform(-0.1, 0.1, walls.points.shape) + [0, 0, 0.5]
    points, seen_from = walls.points.copy(), inside.copy()
    points[lost] = seen_from[lost] = np.nan
    np.savetxt(tmp_path / "seen_from.txt", seen_from)
    sdf = api.fit(points, viewpoint=tmp_path / "seen_from.txt", quality="fast", config=LOOK)
    where = nearest(KDTree(inside[~lost]), sdf.sensors)[0]
    assert where.max() < 1e-6
    with pytest.raises(InputError, match=r"--viewpoint has 12161 rows, and array has 12800 points"):
        api.fit(points, viewpoint=inside[:12161])


@pytest.mark.filterwarnings("ignore:.*measured nothing")
@pytest.mark.parametrize("names", ["a", "ab"])
def test_viewpoints_of_pixels_that_measured_nothing_are_dropped_with_them(tmp_path, monkeypatch, names):
    """A file with a position for each pixel of organised clouds, none of which is NaN."""
    points = two_walls().points.astype("<f4")
    lost = np.arange(len(points)) % 5 == 3
    points[lost] = np.nan
    inside = np.random.default_rng(0).uniform(-0.1, 0.1, points.shape) + [0, 0, 0.5]
    for name, part in zip(names, np.split(points, len(names)), strict=True):
        head = f"FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nWIDTH 80\nHEIGHT {len(part) // 80}\nDATA binary\n"
        (tmp_path / f"{name}.pcd").write_bytes(head.encode() + part.tobytes())
    np.save(tmp_path / "seen_from.npy", inside.reshape(80, -1, 3))
    if len(names) == 1:
        sdf = api.fit(tmp_path / "a.pcd", viewpoint=tmp_path / "seen_from.npy", quality="fast", config=LOOK)
        assert nearest(KDTree(inside[~lost]), sdf.sensors)[0].max() < 1e-6
        return
    given = []

    def fit(source: Cloud, **options: object) -> None:
        given.append(source)
        raise InputError("enough.")

    monkeypatch.setattr(api, "fit", fit)
    words = ["fit", *(str(tmp_path / f"{name}.pcd") for name in names), "--merge", "-o", str(tmp_path / "m.ply")]
    assert main([*words, "--viewpoint", str(tmp_path / "seen_from.npy")]) == 2
    assert np.array_equal(given[0].sensors, inside[~lost])


def test_viewpoints_of_merged_scans_are_for_each_scan_or_each_point(tmp_path, capsys):
    walls = two_walls().points
    for name, part in (("a", walls[:6400]), ("b", walls[6400:])):
        np.savetxt(tmp_path / f"{name}.xyz", part)
    np.savetxt(tmp_path / "seen_from.txt", np.full((12_799, 3), [0, 0, 0.5]))
    words = ["fit", *(str(tmp_path / f"{name}.xyz") for name in "ab"), "--merge", "-o", str(tmp_path / "m.ply")]
    assert main([*words, "--viewpoint", str(tmp_path / "seen_from.txt")]) == 2
    said = capsys.readouterr().err
    assert "seen_from.txt has 12799 rows, and there are 2 scans of 12800 points: give one position" in said


def test_unknown_treatment_of_normals():
    with pytest.raises(InputError, match="choose among auto, trust, ignore"):
        api.fit(two_walls(), normals="maybe")
