"""Broken files: one sentence each, that names the file and the way out."""

from __future__ import annotations

import bz2
import json
import os
import struct
import tarfile
import zipfile
from io import BytesIO

import numpy as np
import pytest
import trimesh
from PIL import Image

from isofield import io
from isofield.errors import InputError


def refuse(path, *words: str) -> str:
    with pytest.raises(InputError) as caught:
        io.read(path)
    message = str(caught.value)
    assert caught.value.__cause__ is None and (caught.value.__context__ is None or caught.value.__suppress_context__)
    assert str(path) in message, message
    assert "\n" not in message and message.endswith(".") and len(message) < 600, message
    for word in words:
        assert word in message, message
    return message


def test_files_that_are_none(tmp_path, ball):
    io.write_mesh(ball, tmp_path / "statue.ply")
    refuse(tmp_path / "nothing.ply", "there is no file", "check the spelling")
    refuse(tmp_path / "statu.ply", "perhaps you meant", "statue.ply")
    refuse(tmp_path / "no" / "folder.ply", "there is no file")
    (tmp_path / "folder.ply").mkdir()
    refuse(tmp_path / "folder.ply", "is a folder")
    refuse(tmp_path / ("x" * 300 + ".ply"))
    refuse(tmp_path / "statue.ply" / "inner.ply")


@pytest.mark.parametrize(
    "extension", ["ply", "obj", "off", "stl", "glb", "gltf", "xyz", "pts", "pcd", "npy", "npz", "binvox", "zip"]
)
def test_empty_and_nonsense(tmp_path, extension):
    path = tmp_path / f"x.{extension}"
    path.write_bytes(b"")
    refuse(path, "is empty")
    for content in (b"\n \n", b"hello world\nhow are you\n", bytes(range(256)) * 4, b"{}", b"0"):
        path.write_bytes(content)
        refuse(path)


@pytest.mark.parametrize("extension", ["ply", "obj", "off", "stl", "glb", "npy", "npz"])
def test_every_cut_is_refused_or_read_whole(tmp_path, ball, extension):
    whole = tmp_path / f"whole.{extension}"
    if extension in ("npy", "npz"):
        points = np.random.default_rng(0).normal(size=(100, 3))
        np.save(whole, points) if extension == "npy" else np.savez(whole, points=points)
    else:
        io.write_mesh(ball, whole)
    content = whole.read_bytes()
    path = tmp_path / f"cut.{extension}"
    for part in (0.01, 0.2, 0.5, 0.8, 0.95):
        path.write_bytes(content[: int(len(content) * part)])
        if extension == "obj":  # text without counts: only an index can tell
            path.write_bytes(content[: content.index(b"v ", 300)] + content[content.index(b"f ") :])
        refuse(path)


def test_a_cut_inside_an_element_that_nobody_needs(tmp_path):
    head = "ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\nproperty float z\n"
    head += "element range_grid 3\nproperty list uchar int vertex_indices\nend_header\n"
    path = tmp_path / "scan.ply"
    path.write_text(head + "0 0 0\n1 1 1\n1 0\n0\n1 1\n")
    assert len(io.read(path).points) == 2
    path.write_text(head + "0 0 0\n1 1 1\n1 0\n")
    refuse(path, "is cut short", "range_grid")


def test_faces_that_name_vertices_that_are_not_there(tmp_path):
    triangle = "0 0 0\n1 0 0\n0 1 0\n"
    head = "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
    head += "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
    cases = {
        "a.ply": head + triangle + "3 0 1 3\n",
        "b.ply": head + triangle + "3 0 1 -1\n",
        "a.off": "OFF\n3 1 0\n" + triangle + "3 0 1 3\n",
        "a.obj": "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 4\n",
        "b.obj": "v 0 0 0\nv 1 0 0\nv 0 1 0\nf -1 -2 -4\n",
        "c.obj": "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 0 1 2\n",
    }
    for name, content in cases.items():
        (tmp_path / name).write_text(content)
        refuse(tmp_path / name, "face")
    np.savez(tmp_path / "a.npz", vertices=np.eye(3), faces=[[0, 1, 3]])
    refuse(tmp_path / "a.npz", "names vertex 3")
    assert "(number 1) that names vertex 4, but there are only 3 vertices (numbered from 1)" in refuse(
        tmp_path / "a.obj"
    )


def test_a_glb_whose_index_names_a_vertex_that_is_not_there(tmp_path, ball):
    io.write_mesh(ball, tmp_path / "a.glb")
    content = bytearray((tmp_path / "a.glb").read_bytes())
    size = struct.unpack_from("<I", content, 12)[0]
    tree = json.loads(content[20 : 20 + size])
    primitive = tree["meshes"][0]["primitives"][0]
    view = tree["bufferViews"][tree["accessors"][primitive["indices"]]["bufferView"]]
    struct.pack_into("<I", content, 20 + size + 8 + view.get("byteOffset", 0), 5000)
    (tmp_path / "a.glb").write_bytes(content)
    refuse(tmp_path / "a.glb", "names vertex 5000", "162 vertices")


def test_counts_that_the_file_cannot_hold_allocate_nothing(tmp_path):
    head = "ply\nformat {} 1.0\nelement vertex 1000000000000\n"
    head += "property float x\nproperty float y\nproperty float z\nend_header\n"
    (tmp_path / "a.ply").write_bytes(head.format("binary_little_endian").encode() + b"0" * 500)
    (tmp_path / "b.ply").write_text(head.format("ascii") + "0 0 0\n" * 50)
    (tmp_path / "c.ply").write_text(head.format("ascii").replace("1000000000000", "-5") + "0 0 0\n" * 50)
    (tmp_path / "a.off").write_text("OFF\n1000000000000 3 0\n" + "0 0 0\n" * 50)
    (tmp_path / "a.stl").write_bytes(b"x" * 80 + struct.pack("<I", 4_000_000_000) + b"y" * 500)
    (tmp_path / "a.pts").write_text("1000000000000\n" + "0 0 0\n" * 50)
    pcd = "VERSION .7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 1000000000000\nHEIGHT 1\nDATA "
    (tmp_path / "a.pcd").write_text(pcd + "binary\n" + "0 0 0\n" * 50)
    (tmp_path / "b.pcd").write_text(pcd + "ascii\n" + "0 0 0\n" * 50)
    for name in ("a.ply", "b.ply", "a.off", "a.pts", "a.pcd", "b.pcd"):
        refuse(tmp_path / name, "is cut short: its header promises 1000000000000")
    refuse(tmp_path / "a.stl", "promises 4000000000 triangles")
    refuse(tmp_path / "c.ply", "promises -5")
    array = np.lib.format.magic(1, 0) + struct.pack("<H", 118)
    array += b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 3), }".ljust(117) + b"\n" + b"0" * 400
    (tmp_path / "a.npy").write_bytes(array)
    refuse(tmp_path / "a.npy", "promises 3000000000000")


def test_a_list_of_a_billion_items(tmp_path):
    head = (
        "ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\n"
    )
    head += "element face 1\nproperty list uint int vertex_indices\nend_header\n"
    (tmp_path / "a.ply").write_bytes(head.encode() + bytes(12) + struct.pack("<I", 999_999_999) + bytes(40))
    refuse(tmp_path / "a.ply", "is cut short")


@pytest.mark.parametrize(("true", "named"), [
    ("ply", "obj"), ("ply", "stl"), ("stl", "ply"), ("obj", "ply"), ("off", "obj"), ("glb", "obj"), ("obj", "xyz"),
    ("obj", "stl"),
])  # fmt: skip
def test_wrong_extension(tmp_path, ball, true, named):
    io.write_mesh(ball, tmp_path / f"ball.{true}")
    (tmp_path / f"ball.{true}").rename(tmp_path / f"ball.{named}")
    refuse(tmp_path / f"ball.{named}", f"is named .{named} but looks like", true.upper(), f"rename it to .{true}")


@pytest.mark.parametrize("extension", ["obj", "ply", "stl", "off", "glb", "xyz", "npy", "pcd"])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP"])
def test_a_picture(tmp_path, extension, form):
    path = tmp_path / f"photo.{extension}"
    Image.new("RGB", (20, 20), (200, 0, 0)).save(path, format=form)
    message = refuse(path)
    assert f"a {form} picture" in message or (extension, form) == ("stl", "BMP")


def test_unknown_extensions(tmp_path, ball):
    (tmp_path / "notes.docx").write_bytes(b"whatever")
    refuse(tmp_path / "notes.docx", "the extension .docx is unknown", ".ply .obj", ".glb")
    (tmp_path / "noname").write_bytes(b"whatever")
    refuse(tmp_path / "noname", "has no extension")
    (tmp_path / "statue.mesh").write_bytes(ball.export(file_type="ply"))
    refuse(tmp_path / "statue.mesh", "rename it to .ply")
    for name, rows in (("scan.cloud", "1 2 3\n4e0 -.5 6\n7 8 9\n0 1 2\n"), ("scan", "x,y,z\n1,2,3\n4,5,6\n7,8,9\n")):
        (tmp_path / name).write_text(rows)
        refuse(tmp_path / name, "rename it to .xyz")
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n")
    refuse(tmp_path / "photo.png", "is a PNG picture")
    (tmp_path / "part.amf").write_bytes(b"PK\x03\x04")  # a zip archive, but unpacked it is an AMF file still
    refuse(tmp_path / "part.amf", "a format that isofield does not read: convert it to .ply")
    (tmp_path / "part.iges").write_bytes(b"S      1")
    refuse(tmp_path / "part.iges", "CAD surfaces, not of triangles: export a mesh of them, as .stl")
    (tmp_path / "a.ply").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\n")
    refuse(tmp_path / "a.ply", "git lfs pull")


def test_zero_points(tmp_path):
    head = "ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
    (tmp_path / "a.ply").write_text(head)
    (tmp_path / "a.off").write_text("OFF\n0 0 0\n")
    (tmp_path / "a.obj").write_text("# nothing\n")
    (tmp_path / "a.pts").write_text("0\n")
    (tmp_path / "a.stl").write_bytes(bytes(84))
    np.save(tmp_path / "a.npy", np.empty((0, 3)))
    for name in ("a.ply", "a.off", "a.pts", "a.stl", "a.npy"):
        refuse(tmp_path / name, "holds no points")
    refuse(tmp_path / "a.obj", "has no vertices")


def test_text_with_a_word_or_a_short_line(tmp_path):
    (tmp_path / "a.xyz").write_text("0 0 0\n1 one 1\n2 2 2\n")
    refuse(tmp_path / "a.xyz", "'one'", "line 2")
    (tmp_path / "a.xyz").write_text("0 0 0\n1 1\n2 2 2\n")
    refuse(tmp_path / "a.xyz", "2 numbers on data line 2")
    (tmp_path / "a.xyz").write_text("0 0\n1 1\n")
    refuse(tmp_path / "a.xyz", "2 columns")
    (tmp_path / "a.pts").write_text("5\n0 0 0\n1 1 1\n")
    refuse(tmp_path / "a.pts", "promises 5 points, and 2 follow")


def test_arrays_of_other_things(tmp_path):
    for array, words in (
        (np.zeros(5), "shape (5,)"),
        (np.zeros((3, 50)), "transpose it"),
        (np.array(["a"] * 3), "instead of"),
    ):
        np.save(tmp_path / "a.npy", array)
        refuse(tmp_path / "a.npy", words)
    np.savez(tmp_path / "a.npz", a=np.zeros(3), b=np.zeros(4))
    refuse(tmp_path / "a.npz", "no array called 'points'", "a, b")
    np.savez(tmp_path / "a.npz", points=np.zeros((9, 3)), occupancies=np.zeros(9))
    refuse(tmp_path / "a.npz", "not points of a surface")
    np.savez(tmp_path / "a.npz", pos=np.zeros((9, 4)), neg=np.zeros((9, 4)))
    refuse(tmp_path / "a.npz", "not points of a surface")
    np.savez(tmp_path / "a.npz", points=np.zeros((9, 3)), normals=np.zeros((8, 3)))
    refuse(tmp_path / "a.npz", "normals of shape (8, 3)")


def test_a_gltf_whose_buffer_is_not_there(tmp_path):
    for name, content in trimesh.creation.box().export(file_type="gltf").items():
        if name.endswith(".gltf"):
            (tmp_path / "box.gltf").write_bytes(content)
    refuse(tmp_path / "box.gltf", "in its folder", "export as .glb")


def test_a_compressed_gltf(tmp_path):
    tree = {"asset": {"version": "2.0"}, "extensionsRequired": ["KHR_draco_mesh_compression"]}
    (tmp_path / "a.gltf").write_text(json.dumps(tree))
    refuse(tmp_path / "a.gltf", "without compression")
    (tmp_path / "b.gltf").write_text(json.dumps({"asset": {"version": "2.0"}}))
    refuse(tmp_path / "b.gltf")


def test_random_damage_never_escapes(tmp_path, ball):
    """Bytes changed at random: either something is read, or one sentence is said."""
    generator = np.random.default_rng(0)
    read = refused = 0
    for extension in ("ply", "obj", "off", "stl", "glb"):
        whole = tmp_path / f"whole.{extension}"
        io.write_mesh(ball, whole)
        content = np.frombuffer(whole.read_bytes(), np.uint8)
        for _ in range(30):
            changed = content.copy()
            at = generator.integers(0, min(len(changed), int(generator.choice([300, len(changed)]))), 3)
            changed[at] = generator.integers(0, 256, 3)
            path = tmp_path / f"x.{extension}"
            path.write_bytes(changed.tobytes())
            try:
                io.read(path)
                read += 1
            except InputError:
                refused += 1
    assert refused > 30 and read > 5


@pytest.fixture
def box_gltf(tmp_path):
    """A folder of a .gltf file with one buffer beside it, and the JSON to edit."""
    folder = tmp_path / "box"
    folder.mkdir()
    for name, content in trimesh.exchange.gltf.export_gltf(trimesh.Scene(trimesh.creation.box())).items():
        (folder / name).write_bytes(content)
    return folder / "model.gltf", json.loads((folder / "model.gltf").read_text())


@pytest.mark.parametrize(
    "uri", ["../secret.bin", "%2e%2e/secret.bin", "{}/secret.bin", "link.bin", "/dev/zero", "a\0b"]
)
def test_a_gltf_buffer_outside_its_folder_is_refused(tmp_path, box_gltf, uri):
    path, tree = box_gltf
    content = (path.parent / tree["buffers"][0]["uri"]).read_bytes()
    (tmp_path / "secret.bin").write_bytes(content)
    (path.parent / "link.bin").symlink_to(tmp_path / "secret.bin")
    tree["buffers"][0]["uri"] = uri.format(tmp_path)
    path.write_text(json.dumps(tree))
    refuse(path, "cannot be read in its folder", "copy that file into the folder")


def test_a_gltf_buffer_that_is_no_file_is_refused(box_gltf):
    path, tree = box_gltf
    os.mkfifo(path.parent / "pipe.bin")  # reading it would never end
    tree["buffers"][0]["uri"] = "pipe.bin"
    path.write_text(json.dumps(tree))
    refuse(path, "cannot be read in its folder")


def test_images_of_a_gltf_file_are_not_opened(box_gltf):
    path, tree = box_gltf
    os.mkfifo(path.parent / "pipe.png")
    tree["images"] = [{"uri": "pipe.png"}, {"uri": "/dev/zero"}]
    tree["textures"] = [{"source": 0}, {"source": 1}]
    tree["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": index}}} for index in (0, 1)]
    path.write_text(json.dumps(tree))
    assert len(io.read(path).faces) == 12


def test_of_a_long_gltf_buffer_only_its_length_is_read(box_gltf):
    path, tree = box_gltf
    with (path.parent / tree["buffers"][0]["uri"]).open("ab") as stream:
        stream.truncate(1 << 40)  # a sparse file of 1 TiB
    assert len(io.read(path).faces) == 12


@pytest.mark.parametrize("extension", ["npz", "zip"])
def test_an_archive_that_expands_without_bound_is_refused(tmp_path, extension):
    path = tmp_path / f"x.{extension}"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("points.npy", "w") as member:
        np.lib.format.write_array(member, np.zeros((1_000_000, 3)))
    assert path.stat().st_size < 30_000
    refuse(path, "would expand from 0.02", "to 22.9 MiB", "without compression")


@pytest.mark.parametrize(("extension", "mode"), [("tar.gz", "w:gz"), ("tar.bz2", "w:bz2"), ("bz2", "")])
def test_a_compressed_stream_that_expands_without_bound_is_refused(tmp_path, extension, mode):
    path, content = tmp_path / f"x.{extension}", bytes(40_000_000)
    if mode:
        with tarfile.open(path, mode) as archive:
            member = tarfile.TarInfo("scan.ply")
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    else:
        path.write_bytes(bz2.compress(content))
    assert path.stat().st_size < 100_000
    refuse(path, "would expand from", "MiB or more", "without compression")
