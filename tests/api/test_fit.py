"""One shape from what a person brings: whatever the units, the place, the order and the sides."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from scipy.spatial.transform import Rotation

from isofield import InputError, surfaces
from isofield.api import fit, fit_report
from isofield.api.fit import LOOK
from isofield.cli.fit_job import _normals
from isofield.configs import Ssd
from isofield.io import write_cloud
from isofield.types import Cloud

DIAGONAL = 2 * np.linalg.norm([1, 0.3, 0.22])


@pytest.fixture(autouse=True)
def _restore():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def _differs(fitted, other, to_other, scale=1.0):
    """How far another field's zero set is from the fitted one's, at most, as a share of the diagonal."""
    vertices = np.asarray(fitted.mesh().vertices)
    return np.abs(other(to_other(vertices))).max() / scale / DIAGONAL


def test_a_fit_is_one_closed_surface_with_figures(fitted, cloud, probes):
    x, clear, inside = probes
    assert np.array_equal(fitted.contains(x)[clear], inside[clear])
    extraction = fitted.extract(keep_all=True)
    assert extraction.problems == []
    assert extraction.mesh.body_count == 1
    figures = fit_report(extraction.mesh, fitted.points, fitted.spacing)
    assert figures.median < 0.003 * DIAGONAL
    assert figures.median <= figures.p95 < 0.01 * DIAGONAL
    assert figures.unseen < 0.01
    assert extraction.mesh.volume == pytest.approx(4 / 3 * np.pi * 0.3 * 0.22, rel=0.05)
    assert not fitted.interrupted
    assert fitted.kind == "grid"
    assert fitted.provenance["points"]["given"] == 1500
    assert 0.002 * DIAGONAL < fitted.provenance["noise"] < 0.005 * DIAGONAL
    json.dumps(fitted.provenance)


@pytest.mark.parametrize(("scale", "move"), [(1e-6, [5e-6, -3e-6, 0]), (1e16, [3e16, 0, -7e16])])
def test_units_do_not_matter(fitted, cloud, scale, move):
    other = fit(cloud.points * scale + move, quality="fast")
    assert _differs(fitted, other, lambda x: x * scale + move, scale) < 0.001
    assert other.spacing == pytest.approx(fitted.spacing * scale, rel=1e-3)
    extraction = other.extract()
    assert extraction.problems == []
    assert extraction.mesh.volume == pytest.approx(fitted.mesh().volume * scale**3, rel=0.005)


def test_a_rigid_motion_hardly_matters(fitted, cloud):
    turn = Rotation.from_rotvec([0.7, -0.4, 1.1]).as_matrix()
    other = fit(cloud.points @ turn.T + 2, quality="fast")
    assert _differs(fitted, other, lambda x: x @ turn.T + 2) < 0.005


def test_the_order_of_the_points_and_repeated_points_hardly_matter(fitted, cloud):
    random = np.random.default_rng(3)
    twice = random.permutation(np.repeat(cloud.points, random.integers(1, 4, len(cloud.points)), axis=0))
    other = fit(twice, quality="fast")
    assert _differs(fitted, other, lambda x: x) < 0.001
    assert other.provenance["points"]["used"] == fitted.provenance["points"]["used"]


def test_same_seed_same_bytes_for_any_number_of_threads(cloud, tmp_path):
    for threads in (1, 2):
        torch.set_num_threads(threads)
        fit(cloud.points[:700], quality="fast", seed=5).save(tmp_path / str(threads))
    for name in ("config.json", "field.safetensors"):
        one, two = ((tmp_path / str(threads) / name).read_bytes() for threads in (1, 2))
        assert one == two


def test_normals_beside_the_points_may_have_wrong_sides(fitted, cloud, probes):
    normals = cloud.normals * np.where(np.random.default_rng(0).random(len(cloud.points)) < 0.3, -1, 1)[:, None]
    table = np.concatenate([cloud.points, normals], 1)
    other = fit(table, quality="fast")
    x, clear, inside = probes
    assert np.array_equal(other.contains(x)[clear], inside[clear])
    assert _differs(fitted, other, lambda x: x) < 0.01
    turned = (np.einsum("nd,nd->n", normals, cloud.normals) < 0).mean()
    assert other.provenance["normals"] == {"use": "auto", "turned": pytest.approx(turned, abs=0.01)}
    assert fitted.provenance["normals"] is None


@pytest.mark.parametrize(
    ("use", "turned", "words"),
    [
        ("auto", 1.0, "as in the input, all of them with the opposite sign"),
        ("trust", 0.0, "as in the input, trusted"),
        ("ignore", None, "found from the points; those of the input are ignored"),
    ],
)
@pytest.mark.filterwarnings("ignore:Cloud. the normals point inward")
def test_the_report_says_which_normals_were_used(cloud, use, turned, words):
    sdf = fit(replace(cloud, normals=-cloud.normals), config=LOOK, normals=use)
    assert sdf.provenance["normals"] == {"use": use, "turned": turned}
    assert _normals(sdf) == words


def test_a_soup_of_faces_wound_anyhow_is_fitted(ellipsoid, probes):
    corners = np.asarray(ellipsoid.triangles).copy()
    flip = np.random.default_rng(0).random(len(corners)) < 0.5
    corners[flip] = corners[flip][:, ::-1]
    soup = trimesh.Trimesh(corners.reshape(-1, 3), np.arange(3 * len(corners)).reshape(-1, 3), process=False)
    sdf = fit(soup, quality="fast")
    x, clear, inside = probes
    assert np.array_equal(sdf.contains(x)[clear], inside[clear])
    mesh = sdf.mesh()
    assert surfaces.check(mesh).problems == []
    assert mesh.volume == pytest.approx(ellipsoid.volume, rel=0.02)
    assert sdf.kind == "triangles"


def test_strays_make_no_blobs(ellipsoid, cloud, probes):
    random = np.random.default_rng(2)
    strays = random.uniform(-1.1, 1.1, (75, 3))
    sdf = fit(random.permutation(np.concatenate([cloud.points, strays])), quality="fast")
    mesh = sdf.mesh()
    assert mesh.body_count == 1
    assert surfaces.check(mesh).problems == []
    of_points = sdf.provenance["points"]
    assert of_points["outliers"] > 10 and 5 < of_points["pieces"] <= of_points["outliers"]
    assert mesh.volume == pytest.approx(ellipsoid.volume, rel=0.1)


def test_noise_thicker_than_the_points_are_apart_leaves_one_even_surface(ellipsoid):
    random = np.random.default_rng(0)
    points, _ = trimesh.sample.sample_surface(ellipsoid, 400_000, seed=0)
    noisy = points + random.normal(0, 0.004 * DIAGONAL, points.shape)
    mesh = fit(noisy, quality="fast").mesh()
    assert (mesh.body_count, mesh.euler_number) == (1, 2)
    wrong = np.abs(mesh.volume / ellipsoid.volume - 1)
    assert wrong < 0.03


def test_an_interrupted_fit_returns_the_best_field_so_far(cloud, tmp_path):
    reported = []

    def stop(stage, fraction):
        reported.append((stage, fraction))
        if "solving" in stage:
            raise KeyboardInterrupt

    sdf = fit(cloud.points, quality="fast", progress=stop)
    assert sdf.interrupted
    assert reported[0] == ("reading", 0.0)
    assert 0 < reported[-1][1] < 1
    assert sdf.field.levels == 1
    assert surfaces.check(sdf.mesh()).problems == []


def test_an_interruption_before_there_is_a_field_goes_on(cloud):
    def stop(stage, fraction):
        if "orientation" in stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(cloud.points, quality="fast", progress=stop)


def test_a_file_leaves_its_digest(cloud, tmp_path):
    path = tmp_path / "scan.ply"
    write_cloud(Cloud(cloud.points[:300]), path)
    sdf = fit(path, quality="fast", noise=0.002)
    assert sdf.provenance["input"] == "scan.ply"
    assert sdf.provenance["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    extent = np.ptp(cloud.points[:300], axis=0)
    assert sdf.provenance["noise"] == pytest.approx(0.002 * np.linalg.norm(extent), rel=1e-3)


def test_torch_differentiates_a_fitted_field(fitted, cloud):
    x = torch.as_tensor(cloud.points[:200] * 1.05).requires_grad_()
    fitted(x).sum().backward()
    assert torch.allclose(x.grad, fitted.gradient(x), atol=1e-4)
    assert all(parameter.grad is None for parameter in fitted.module.parameters())


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (np.zeros((200, 4)), {}, r"\(n, 3\)"),
        (np.zeros(300), {}, r"\(n, 3\)"),
        (np.zeros((200, 3)), {}, "equal"),
        (np.random.default_rng(0).normal(size=(20, 3)), {}, "at least 100"),
        (np.random.default_rng(0).normal(size=(200, 3)), {"method": "magic"}, "method"),
        (np.random.default_rng(0).normal(size=(200, 3)), {"device": "abacus"}, "device"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_one_sentence(given, options, message):
    with pytest.raises(InputError, match=message) as caught:
        fit(given, quality="fast", **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"quality": "x"}, "quality 'x' is unknown: take one of fast, balanced, best."),
        (
            {"noise": 5.0},
            "noise 5 is out of range: give a fraction of the bounding box's diagonal from 0 to 0.1 (0.002 is 0.2 %).",
        ),
        (
            {"init": "paper"},
            "init 'paper' is for methods that learn a network, and 'auto' does not: leave it out.",
        ),
        (
            {"method": "ssd", "network": "mlp"},
            "network 'mlp' is for methods that learn a network, and 'ssd' does not: leave it out.",
        ),
        ({"method": "igr", "network": "grid"}, "network 'grid' is unknown: take one of siren, mlp, hashgrid."),
        (
            {"method": "sal", "init": "paper", "network": "siren"},
            "SAL and SALD need a network that starts as a sphere, or the orientation of the points, and a sine network "
            "has neither: take network mlp or hashgrid, or init oriented.",
        ),
        (
            {"method": "igr", "config": Ssd()},
            "method 'igr' needs settings of type Igr, not Ssd.",
        ),
    ],
)
def test_wrong_settings_are_refused_before_the_work(settings, sentence):
    with pytest.raises(InputError) as error:
        fit(np.zeros((0, 3)), **settings)
    assert str(error.value) == sentence


@pytest.mark.parametrize("unit", [1e85, 1e-85])
def test_any_unit_whose_volumes_64_bits_hold(unit):
    x = np.random.default_rng(3).normal(size=(1500, 3))
    x *= unit / np.linalg.norm(x, axis=1, keepdims=True)
    sdf = fit(x, quality="fast")
    inside, outside = sdf(np.array([[0.5 * unit, 0, 0], [1.5 * unit, 0, 0]])) / unit
    assert -0.7 < inside < -0.3 < 0.3 < outside < 0.7
