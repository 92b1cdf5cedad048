"""Which files of a folder are shapes, what they are called, and which of them are chosen."""

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh

from isofield.cli.main import main
from isofield.datasets import find, of_classes, read_split
from isofield.errors import InputError

POINTS = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)


def put(root: Path, *names: str) -> None:
    """Boxes, or 200 points, in files of these names."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".npy":
            np.save(path, POINTS)
        elif path.suffix == ".npz":
            np.savez(path, points=POINTS)
        elif path.suffix in (".xyz", ".pts"):
            np.savetxt(path, POINTS)
        else:
            trimesh.creation.box().export(path)


def found(root: Path, layout: str = "auto") -> tuple[str, list[tuple[str, str]]]:
    name, entries = find(root, layout)
    return name, [(entry.id, entry.label) for entry in entries]


def test_d_faust_abc_and_thingi10k_are_folders_of_meshes(tmp_path):
    put(tmp_path / "dfaust", "50002/chicken_wings/00001.ply", "50002/hips/00007.ply", "50004/hips/00001.ply")
    chunk = ("00000004/00000004_1ffb_trimesh_000.obj", "00000005/00000005_1ffc_trimesh_000.obj")
    put(tmp_path / "abc", *(f"abc_0000_obj_v00/{name}" for name in chunk))
    put(tmp_path / "thingi", "raw_meshes/1000.stl", "raw_meshes/1001.stl")
    assert found(tmp_path / "dfaust") == (
        "meshes",
        [("50002/chicken_wings/00001", "50002"), ("50002/hips/00007", "50002"), ("50004/hips/00001", "50004")],
    )
    ids = [name.removesuffix(".obj") for name in chunk]
    assert found(tmp_path / "abc")[1] == [(f"abc_0000_obj_v00/{id_}", "abc_0000_obj_v00") for id_ in ids]
    assert found(tmp_path / "abc/abc_0000_obj_v00")[1] == [(id_, "") for id_ in ids]  # its folders are no classes
    assert found(tmp_path / "thingi")[1] == [("raw_meshes/1000", "raw_meshes"), ("raw_meshes/1001", "raw_meshes")]
    assert found(tmp_path / "thingi/raw_meshes")[1] == [("1000", ""), ("1001", "")]


def test_clouds_are_found_and_tables_of_other_kinds_are_not(tmp_path):
    put(tmp_path, "a.xyz", "b.npy", "c.pts", "d.npz", "e.ply", "f.xyz", "f.ply", "g.xyz.npy", "h.xyz", "h.xyz.npy")
    assert main(["make", "chair", str(tmp_path / "made"), "--count", "1", "--no-progress"]) == 0  # with parameters.csv
    (tmp_path / "README.txt").write_text("1 2 3\n" * 200)
    np.save(tmp_path / "depth.npy", np.ones((240, 320)))
    np.save(tmp_path / "intrinsics.npy", np.eye(3))
    np.save(tmp_path / "samples.npy", np.ones((500, 4)))
    np.savez(tmp_path / "cameras.npz", camera_mat_0=np.eye(3), world_mat_0=np.eye(4)[:3])
    np.savez(tmp_path / "points.npz", points=POINTS, occupancies=np.ones(200, bool))
    np.savez(tmp_path / "sdf.npz", pos=np.ones((500, 4)), neg=np.ones((500, 4)))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "b.npy").read_bytes()[:40])  # what is damaged is told about
    put(tmp_path, "._a.xyz", ".hidden.ply", ".hidden/x.ply")  # macOS keeps what it knows of a.xyz in ._a.xyz
    names = ["a", "b", "c", "cut", "d", "e", "f.ply", "f.xyz", "g.xyz", "h", "h.xyz.npy", "made/chair/0000"]
    assert [id_ for id_, _ in found(tmp_path)[1]] == names


def test_what_was_prepared_is_no_shape(tmp_path, capsys):
    put(tmp_path / "in", "a.ply")
    line = ["prepare", str(tmp_path / "in"), str(tmp_path / "in/out"), "--samples", "surface", "--count", "300"]
    for _ in range(2):
        assert main([*line, "--no-progress"]) == 0
        assert [id_ for id_, _ in found(tmp_path / "in")[1]] == ["a"]
    capsys.readouterr()
    assert main(["prepare", str(tmp_path / "in/out"), str(tmp_path / "again")]) == 2
    assert "is the output of `isofield prepare`: give the folder of the original shapes" in capsys.readouterr().err


def test_points2surf(tmp_path):
    """Meshes of 03_meshes, or else 00_base_meshes; clouds where there is no mesh; one data set or several."""
    put(tmp_path / "abc", "00_base_meshes/x.stl", "03_meshes/x.ply", "03_meshes/y.ply", "04_pts/x.xyz.npy",
        "04_pts/z.xyz.npy", "04_pts_vis/x.xyz", "05_query_pts/x.ply.npy", "05_query_dist/x.ply.npy")  # fmt: skip
    put(tmp_path / "famous", "00_base_meshes/bunny.obj")
    put(tmp_path / "real", "04_pts/hand.ply.npy")
    name, entries = find(tmp_path / "abc")
    assert name == "points2surf"
    assert {entry.id: entry.path.relative_to(tmp_path / "abc").as_posix() for entry in entries} == {
        "x": "03_meshes/x.ply", "y": "03_meshes/y.ply", "z": "04_pts/z.xyz.npy",
    }  # fmt: skip
    assert found(tmp_path) == (
        "points2surf",
        [("abc/x", "abc"), ("abc/y", "abc"), ("abc/z", "abc"), ("famous/bunny", "famous"), ("real/hand", "real")],
    )


def test_occupancy_networks(tmp_path):
    """Classes by their names; pictures; a class alone; clouds that only are called so are none of theirs."""
    for model in ("02691156/a", "04530566/b", "99999999/c"):
        (tmp_path / "net" / model).mkdir(parents=True)
        place = {"loc": np.zeros(3), "scale": np.array(1.0)}
        np.savez(tmp_path / "net" / model / "pointcloud.npz", points=POINTS, normals=POINTS, **place)
    np.savez(tmp_path / "net/04530566/b/points.npz", points=POINTS, occupancies=np.zeros(25, np.uint8), **place)
    (tmp_path / "net/04530566/b/img_choy2016").mkdir()
    np.savez(tmp_path / "net/04530566/b/img_choy2016/cameras.npz", camera_mat_0=np.eye(3))
    (tmp_path / "net/metadata.yaml").write_text('{"99999999": {"id": "99999999", "name": "kettle,pot"}}')
    name, entries = find(tmp_path / "net")
    assert name == "occupancy"
    assert [(entry.id, entry.label, sorted(entry.precomputed)) for entry in entries] == [
        ("02691156/a", "airplane", ["surface"]),
        ("04530566/b", "vessel", ["occupancy", "surface", "views"]),
        ("99999999/c", "kettle", ["surface"]),
    ]
    assert found(tmp_path / "net/04530566") == ("occupancy", [("b", "vessel")])
    put(tmp_path / "mine", "scans/first/pointcloud.npz")
    assert found(tmp_path / "mine") == ("meshes", [("scans/first/pointcloud", "scans")])


@pytest.fixture
def shapenet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ("02691156/a", "02691156/b", "03001627/c", "04468005/d")
    put(tmp_path / "core", *(f"{name}/models/model_normalized.obj" for name in names))
    return tmp_path


def test_classes_by_name_and_by_number(shapenet):
    entries = find(shapenet / "core")[1]
    assert [entry.id for entry in of_classes(entries, ["chair", "train"])] == ["03001627/c", "04468005/d"]
    assert [entry.id for entry in of_classes(entries, ["02691156"])] == ["02691156/a", "02691156/b"]
    with pytest.raises(InputError, match="the shapes have no classes"):
        put(shapenet / "flat", "a.ply")
        of_classes(find(shapenet / "flat")[1], ["chair"])


def test_classes_on_the_command_line(shapenet, capsys):
    line = ["prepare", "core", "out", "--samples", "surface", "--count", "300", "--json", "--no-progress"]
    assert main([*line, "--classes", "chair", "02691156"]) == 0
    assert json.loads(capsys.readouterr().out)["shapes"] == 3
    assert [row["id"] for row in json.loads(Path("out/manifest.json").read_text())["shapes"]] == [
        "02691156/a", "02691156/b", "03001627/c",
    ]  # fmt: skip
    assert main(["split", "core", "-o", "split.json", "--classes", "train"]) == 0
    assert json.loads(Path("split.json").read_text()) == {"train": {"train": ["04468005/d"]}, "test": {"train": []}}
    capsys.readouterr()
    for command in (line, ["split", "core", "-o", "new.json"]):
        assert main([*command, "--classes", "chiar", "airplane"]) == 2
        said = capsys.readouterr().err
        assert "there is no class 'chiar', perhaps you meant 'chair'; choose among airplane, chair, train." in said
    assert main([*line, "--split", "split.json", "--classes", "chair"]) == 2
    assert "the split names no shape of chair" in capsys.readouterr().err


def test_lists_of_lines_lie_with_their_shapes(tmp_path):
    """Occupancy Networks' class/train.lst, Points2Surf's trainset.txt: the folder of the list comes before its ids."""
    put(tmp_path / "core", *(f"{name}/models/model_normalized.obj" for name in ("02691156/a", "03001627/a")))
    put(tmp_path / "sets/abc", "03_meshes/x.ply", "03_meshes/y.ply")
    put(tmp_path / "sets/other", "03_meshes/x.ply")
    for name, text in (("core/03001627/train.lst", "a\n\n"), ("sets/abc/trainset.txt", "x\r\ny")):
        (tmp_path / name).write_text(text)
    assert read_split(tmp_path / "sets/abc/trainset.txt") == ["abc/x", "abc/y"]
    line = ["prepare", "--samples", "surface", "--count", "300", "--no-progress"]
    for source, name, ids in (
        ("core", "core/03001627/train.lst", ["03001627/a"]),
        ("sets", "sets/abc/trainset.txt", ["abc/x", "abc/y"]),
        ("sets/abc", "sets/abc/trainset.txt", ["x", "y"]),
    ):
        out = tmp_path / "out" / source
        assert main([*line, str(tmp_path / source), str(out), "--split", str(tmp_path / name)]) == 0
        assert [row["id"] for row in json.loads((out / "manifest.json").read_text())["shapes"]] == ids


def test_several_splits_are_one(tmp_path, capsys):
    put(tmp_path / "in", "a.ply", "b.ply", "c.ply")
    for name, ids in (("one", ["a"]), ("two", ["c", "d", "e"])):
        (tmp_path / f"{name}.json").write_text(json.dumps(ids))
    both = [str(tmp_path / "one.json"), str(tmp_path / "two.json")]
    assert main(["prepare", str(tmp_path / "in"), str(tmp_path / "out"), "--split", *both]) == 2
    assert "names 2 ids that no shape has: d, e." in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_one_class_of_shapenet_and_of_modelnet(tmp_path, capsys):
    for name in (
        "sn/03001627/m0/models/model_normalized.obj",
        "mn/chair/train/chair_1.off",
        "mn/chair/test/chair_2.off",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        trimesh.creation.box().export(tmp_path / name)
    layout, (entry,) = find(tmp_path / "sn/03001627")
    assert (layout, entry.id, entry.label) == ("shapenet", "03001627/m0", "chair")
    layout, entries = find(tmp_path / "mn/chair")
    assert layout == "modelnet"
    assert [(one.id, one.label) for one in entries] == [
        ("chair/test/chair_2", "chair"),
        ("chair/train/chair_1", "chair"),
    ]
    assert main(["prepare", str(tmp_path / "mn"), str(tmp_path / "out"), "--layout", "shapenet"]) == 2
    assert "give the folder of the classes (02691156, ...), or one class." in capsys.readouterr().err
