"""Every format, and the peculiarities of files that work."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile

import numpy as np
import pytest
import trimesh

from isofield.errors import InputError
from isofield.io import read, readable_extensions, write_cloud, write_mesh
from isofield.io.formats.raw import Damage
from isofield.io.formats.text import parse
from isofield.types import Cloud

CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
QUADS = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]


def is_cube(mesh) -> bool:
    return (
        isinstance(mesh, trimesh.Trimesh) and mesh.is_watertight and len(mesh.vertices) == 8 and abs(mesh.volume) == 1
    )


def ply_header(form: str, vertices: int, faces: int, extra: str = "", index: str = "int") -> str:
    return (
        f"ply\nformat {form} 1.0\ncomment x\nobj_info y\nelement vertex {vertices}\nproperty float x\n"
        f"property float y\n"
        f"property float z\n{extra}element face {faces}\nproperty list uchar {index} vertex_indices\nend_header\n"
    )


@pytest.mark.parametrize("extension", ["ply", "obj", "stl", "off", "glb", "gltf"])
def test_a_mesh_that_trimesh_wrote_comes_back(tmp_path, ball, extension):
    path = tmp_path / f"ball.{extension}"
    if extension == "gltf":
        for name, content in ball.export(file_type="gltf").items():
            (tmp_path / ("ball.gltf" if name == "model.gltf" else name)).write_bytes(content)
    else:
        ball.export(path)
    mesh = read(path)
    assert isinstance(mesh, trimesh.Trimesh)
    assert mesh.is_watertight and mesh.is_winding_consistent and mesh.volume > 0
    assert (len(mesh.vertices), len(mesh.faces)) == (162, 320)
    assert abs(mesh.volume - ball.volume) < 1e-6


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("form", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_ply_of_any_byte_order_and_line_end(tmp_path, form, line_end):
    head = ply_header(form, 8, 6).replace("\n", line_end).encode()
    if form == "ascii":
        rows = [" ".join(f"{x:g}" for x in row) for row in CUBE] + ["4 " + " ".join(map(str, q)) for q in QUADS]
        body = line_end.join([row + " " for row in rows]).encode()
    else:
        order = "<" if "little" in form else ">"
        body = CUBE.astype(f"{order}f4").tobytes() + b"".join(struct.pack(f"{order}B4i", 4, *q) for q in QUADS)
    (tmp_path / "cube.ply").write_bytes(head + body)
    assert is_cube(read(tmp_path / "cube.ply"))


@pytest.mark.parametrize("form", ["ascii", "binary_big_endian"])
def test_ply_of_mixed_polygons_behind_elements_that_nobody_knows(tmp_path, form):
    polygons = [*QUADS[:5], [1, 5, 7], [1, 7, 3]]
    head = ply_header(form, 8, 7).replace(
        "element vertex",
        "element camera 2\nproperty list uchar float parameters\nproperty short id\nelement vertex",
    )
    if form == "ascii":
        rows = ["3 1 2 3 7", "1 4 8", *(" ".join(f"{x:g}" for x in row) for row in CUBE)]
        body = "\n".join([*rows, *(" ".join(map(str, [len(p), *p])) for p in polygons)]).encode()
    else:
        body = struct.pack(">B3fh", 3, 1, 2, 3, 7) + struct.pack(">Bfh", 1, 4, 8) + CUBE.astype(">f4").tobytes()
        body += b"".join(struct.pack(f">B{len(p)}i", len(p), *p) for p in polygons)
    (tmp_path / "cube.ply").write_bytes(head.encode() + body)
    assert is_cube(read(tmp_path / "cube.ply"))


def test_ply_of_triangle_strips(tmp_path):
    strip = "element tristrips 1\nproperty list int int vertex_indices\nend_header\n"
    head = ply_header("ascii", 4, 0).split("element face")[0] + strip
    body = "0 0 0\n1 0 0\n0 1 0\n0 0 1\n9 0 1 2 3 -1 0 3 1 -1\n"
    (tmp_path / "t.ply").write_text(head + body)
    mesh = read(tmp_path / "t.ply")
    assert len(mesh.faces) == 3
    assert mesh.is_winding_consistent


def test_ply_cloud_with_normals_and_colors(tmp_path, table):
    kinds = [(n, ">f8") for n in ("x", "y", "z", "nx", "ny", "nz")] + [(n, "u1") for n in ("red", "green", "blue")]
    rows = np.zeros(200, kinds)
    for i, name in enumerate(("x", "y", "z")):
        rows[name], rows["n" + name] = table[:, i], 2 * table[:, i]
    rows["green"] = 200
    head = "ply\nformat binary_big_endian 1.0\nelement vertex 200\n"
    head += "".join(f"property {'uchar' if k == 'u1' else 'double'} {n}\n" for n, k in kinds)
    (tmp_path / "c.ply").write_bytes(head.encode() + b"end_header\n" + rows.tobytes())
    cloud = read(tmp_path / "c.ply")
    assert isinstance(cloud, Cloud)
    assert np.array_equal(cloud.points, table)
    assert np.allclose(cloud.normals, table, atol=1e-12)
    assert cloud.colors.dtype == np.uint8 and (cloud.colors == [0, 200, 0, 255]).all()


def test_ply_with_zero_normals_keeps_the_points_and_says_so(tmp_path, table):
    write_cloud(Cloud(table, np.zeros_like(table)), tmp_path / "c.ply")
    with pytest.warns(UserWarning, match=r"c\.ply: 200 of 200 normals are zero"):
        cloud = read(tmp_path / "c.ply")
    assert cloud.normals is None and len(cloud.points) == 200


def test_obj_of_negative_indices_quads_textures_and_continued_lines(tmp_path):
    lines = ["# cube", "mtllib none.mtl", "o part", *(f"v {x:g} {y:g} {z:g}" for x, y, z in CUBE[:4]), "vt 0 0"]
    lines += ["f -4/1 -3/1 \\", " -1/1 -2/1", *(f"v {x:g} {y:g} {z:g} 1.0" for x, y, z in CUBE[4:]), "usemtl a"]
    lines += ["f " + " ".join(f"{i + 1}//1" for i in q) for q in QUADS[1:]] + ["l 1 2", "p 1"]
    (tmp_path / "cube.obj").write_bytes("\r\n".join(lines).encode())
    assert is_cube(read(tmp_path / "cube.obj"))


def test_obj_without_faces_is_a_cloud_with_colors(tmp_path, table):
    lines = [f"v {x} {y} {z} 1 0.5 0" for x, y, z in table.tolist()]
    (tmp_path / "c.obj").write_text("\n".join(lines))
    cloud = read(tmp_path / "c.obj")
    assert isinstance(cloud, Cloud) and np.array_equal(cloud.points, table)
    assert (cloud.colors == [255, 128, 0, 255]).all()


@pytest.mark.parametrize(
    "head", ["OFF\n8 6 12\n", "OFF 8 6 0\n", "OFF8 6 0\n", "# made by hand\nOFF # text\n\n8 6 0\n"]
)
def test_off_with_its_counts_anywhere(tmp_path, head):
    rows = [" ".join(f"{x:g}" for x in row) for row in CUBE] + [f"4 {' '.join(map(str, q))} 255 0 0" for q in QUADS]
    (tmp_path / "cube.off").write_bytes((head + "\n".join(rows)).replace("\n", "\r\n").encode())
    assert is_cube(read(tmp_path / "cube.off"))


def test_coff_has_colors(tmp_path):
    rows = [" ".join(f"{x:g}" for x in row) + " 10 20 30 255" for row in CUBE]
    rows += [f"4 {' '.join(map(str, q))}" for q in QUADS]
    (tmp_path / "cube.off").write_text("COFF\n8 6 0\n" + "\n".join(rows))
    mesh = read(tmp_path / "cube.off")
    assert is_cube(mesh) and (mesh.visual.vertex_colors == [10, 20, 30, 255]).all()


def test_binary_stl_that_begins_with_solid(tmp_path, ball):
    content = bytearray(ball.export(file_type="stl"))
    content[:80] = b"solid exported by somebody".ljust(80)
    (tmp_path / "ball.stl").write_bytes(content)
    mesh = read(tmp_path / "ball.stl")
    assert mesh.is_watertight and len(mesh.vertices) == 162
    assert mesh.metadata["isofield"] == {"merged": 960 - 162, "unused": 0}


def test_ascii_stl_of_two_solids(tmp_path, ball):
    text = ball.export(file_type="stl_ascii")
    other = ball.copy()
    other.apply_translation([5, 0, 0])
    (tmp_path / "balls.stl").write_text(text + "\n" + other.export(file_type="stl_ascii"), newline="\r\n")
    mesh = read(tmp_path / "balls.stl")
    assert mesh.is_watertight and len(mesh.faces) == 640 and mesh.body_count == 2


def test_scenes_are_merged_with_their_transforms(tmp_path):
    scene = trimesh.Scene()
    box = trimesh.creation.box()
    for i, scale in enumerate((1.0, -1.0)):  # the second is a mirror image
        place = np.diag([scale, 1, 1, 1])
        place[0, 3] = 10 * i
        scene.add_geometry(box, transform=place, node_name=f"node{i}")
    scene.add_geometry(trimesh.PointCloud([[0, 0, 30.0]]))
    scene.export(tmp_path / "scene.glb")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mesh = read(tmp_path / "scene.glb")
    assert mesh.is_watertight and abs(mesh.volume - 2) < 1e-9
    assert np.allclose(mesh.bounds, [[-0.5, -0.5, -0.5], [10.5, 0.5, 0.5]])


def test_vertices_without_faces_are_left_out_of_a_mesh(tmp_path, ball):
    trimesh.Trimesh(np.concatenate([ball.vertices, [[9, 9, 9]] * 100]), ball.faces, process=False).export(
        tmp_path / "b.ply"
    )
    with pytest.warns(UserWarning, match="100 of 262 vertices belong to no face"):
        mesh = read(tmp_path / "b.ply")
    assert len(mesh.vertices) == 162 and mesh.bounds.max() < 2


@pytest.mark.parametrize("extension", ["xyz", "pts", "PTS", "txt", "csv", "tsv", "asc", "pwn", "xyzn"])
@pytest.mark.parametrize(
    ("separator", "head", "tail"),
    [
        (" ", "", ""),
        (",", "x,y,z\n", ""),
        ("; ", "# comment\n\n", "\n\n"),
        ("\t", "200\n", " # the end"),
        (" , ", "\ufeff", ""),
    ],
)
def test_text_however_it_is_separated(tmp_path, table, extension, separator, head, tail):
    rows = [separator.join(map(str, row)) for row in table.tolist()]
    path = tmp_path / f"c.{extension}"
    path.write_text(head + "\n".join(rows) + tail, encoding="utf-8", newline="\r\n")
    assert np.array_equal(read(path).points, table)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y,x,z\n2,1,3\n", [[1, 2, 3]]),
        ("name,X,Y [m],z\r\na b,1,2,3\r\nb,4,5,6\r\n", [[1, 2, 3], [4, 5, 6]]),
        ("x;y;z\n1,5;2,5;3\n", [[1.5, 2.5, 3]]),
        ("# z y x\n3 2 1\n", [[1, 2, 3]]),
        ('"t","x","y","z"\n9,1,2,3\n', [[1, 2, 3]]),
        ("# made by me\n# unit m\nz,y,x\n3,2,1\n", [[1, 2, 3]]),
        ("z,y,x\r3,2,1\r", [[1, 2, 3]]),
        ('"z","y","x"\n"3","2","1"\n', [[1, 2, 3]]),
        ("X [m]\tY [m]\tZ [m]\tIntensity\n1\t2\t3\t4\n", [[1, 2, 3]]),
        ("Northing,Easting,Elevation\n2,1,3\n", [[1, 2, 3]]),
        ("ALT;Lat;lon\n3;2;1\n", [[1, 2, 3]]),
        ("id height y x\n9 3 2 1\n", [[1, 2, 3]]),
    ],
)
def test_columns_are_taken_by_their_names(text, expected):
    assert parse(text.encode()).points.tolist() == expected


def test_normals_and_colours_by_their_names():
    raw = parse(b"//X Y Z R G B Nx Ny Nz scalar\n1 2 3 255 128 0 0 0 1 7\n")
    assert raw.points.tolist() == [[1, 2, 3]]
    assert raw.colors.tolist() == [[255, 128, 0]]
    assert raw.normals.tolist() == [[0, 0, 1]]


def test_names_that_nobody_knows_are_told():
    with pytest.warns(UserWarning, match="no columns are named x, y and z, but time east north up: they are taken in"):
        assert parse(b"time,east,north,up\n1,2,3,4\n").points.tolist() == [[1, 2, 3]]


def test_a_count_may_come_before_the_names():
    raw = parse(b"2\nX Y Z Nx Ny Nz\n1 2 3 0 0 1\n4 5 6 0 1 0\n")
    assert raw.points.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert raw.normals.tolist() == [[0, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"x,y,z\n1,2\n", "has 2 columns on data line 1, and 3 names at its head"),
        (b"x,y,z\n1,2,hi\n", "has 'hi' where a number belongs"),
        (b"x y z\n", "holds no points"),
    ],
)
def test_named_columns_that_are_not_there(text, message):
    with pytest.raises(Damage, match=message):
        parse(text)


def test_text_with_decimal_commas(tmp_path, table):
    for between in (";", " ", "\t"):
        rows = [between.join(map(str, row)).replace(".", ",") for row in table.tolist()]
        (tmp_path / "c.xyz").write_text("\n".join(rows))
        assert np.array_equal(read(tmp_path / "c.xyz").points, table)
        (tmp_path / "c.xyz").write_text("\n".join([between.join("xyz"), *rows]))
        assert np.array_equal(read(tmp_path / "c.xyz").points, table)
    (tmp_path / "c.xyz").write_text("1, 2, 3\n4, 5, 6\n")
    assert read(tmp_path / "c.xyz").points.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_text_columns(tmp_path, table):
    color = np.tile([1.0, 2.0, 255.0], (200, 1))
    light = np.full((200, 1), 0.25)

    def written(*columns):
        np.savetxt(tmp_path / "c.pts", np.concatenate(columns, axis=1), fmt="%.17g")
        return read(tmp_path / "c.pts")

    assert written(table, light).normals is None and written(table, light).colors is None
    assert np.allclose(written(table, table).normals, table) and written(table, table).colors is None
    assert (written(table, color).colors[:, :3] == color).all() and written(table, color).normals is None
    assert (written(table, light, color).colors[:, :3] == color).all()
    for both in (written(table, table, color), written(table, color, table)):
        assert np.allclose(both.normals, table) and (both.colors[:, :3] == color).all()
    with pytest.warns(UserWarning, match="2 of 5 columns are neither points, normals nor colours"):
        assert np.array_equal(written(table, light, light).points, table)
    normals = table / np.linalg.norm(table, axis=1, keepdims=True)
    bent = written(table, normals, light)  # with a curvature
    assert np.allclose(bent.normals, normals) and bent.colors is None
    assert (written(table, color, light).colors[:, :3] == color).all()
    whole = np.full((200, 1), 7.0)
    assert (written(table, whole, color).colors[:, :3] == color).all()
    for every in (written(table, color, whole, normals), written(table, normals, light, color)):
        assert np.allclose(every.normals, normals) and (every.colors[:, :3] == color).all()
    with pytest.warns(UserWarning, match="the last three columns are 0 everywhere"):
        blank = written(table, 0 * table)
    assert blank.normals is None and blank.colors is None


def pcd(table: np.ndarray, coding: str, body: bytes, height: int = 1) -> bytes:
    n = len(table)
    head = f"# .PCD v.7\nVERSION .7\nFIELDS x y z rgb\nSIZE 4 4 4 4\nTYPE F F F U\nCOUNT 1 1 1 1\nWIDTH {n // height}\n"
    return f"{head}HEIGHT {height}\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {n}\nDATA {coding}\n".encode() + body


def literal_lzf(data: bytes) -> bytes:
    """The simplest LZF: runs of literals, then the whole again as copies where the bytes repeat."""
    out = b"".join(bytes([len(data[i : i + 32]) - 1]) + data[i : i + 32] for i in range(0, len(data), 32))
    return struct.pack("<II", len(out), len(data)) + out


@pytest.mark.parametrize("coding", ["ascii", "binary", "binary_compressed"])
def test_pcd(tmp_path, table, coding):
    points = table.astype("<f4")
    color = np.full(200, 0x0A1420, "<u4")
    if coding == "ascii":
        body = "\n".join(f"{x!r} {y!r} {z!r} {0x0A1420}" for x, y, z in points.tolist()).encode()
    elif coding == "binary":
        body = b"".join(struct.pack("<3fI", *row, 0x0A1420) for row in points.tolist())
    else:
        body = literal_lzf(points.T.tobytes() + color.tobytes())
    (tmp_path / "c.pcd").write_bytes(pcd(table, coding, body))
    cloud = read(tmp_path / "c.pcd")
    assert np.array_equal(cloud.points, points.astype(float))
    assert (cloud.colors == [10, 20, 32, 255]).all()


def test_lzf_copies_reach_into_themselves():
    from isofield.io.formats.pcd import decompressed

    # 'ab', then eight bytes from two back: abababababab...; a long copy has its length in a byte of its own.
    short = bytes([1]) + b"ab" + bytes([(6 << 5) | 0, 1])
    assert decompressed(struct.pack("<II", len(short), 10) + short, 10) == b"ab" * 5
    long = bytes([0]) + b"x" + bytes([(7 << 5) | 0, 11, 0])
    assert decompressed(struct.pack("<II", len(long), 21) + long, 21) == b"x" * 21


def test_organised_pcd_leaves_out_what_saw_nothing(tmp_path, table):
    points = table.astype("<f4")
    points[:150] = np.nan
    body = b"".join(struct.pack("<3fI", *row, 0) for row in points.tolist())
    (tmp_path / "c.pcd").write_bytes(pcd(table, "binary", body, height=10))
    with pytest.warns(UserWarning, match="150 of 200 pixels"):
        assert len(read(tmp_path / "c.pcd").points) == 50


def test_npy(tmp_path, table):
    path = tmp_path / "c.npy"
    np.save(path, np.asfortranarray(table))
    assert np.array_equal(read(path).points, table)
    np.save(path, np.concatenate([table, 3 * table], axis=1).astype(">f4"))
    cloud = read(path)
    assert np.allclose(cloud.points, table, atol=1e-6) and np.allclose(cloud.normals, table, atol=1e-6)


def test_npz_of_occupancy_networks_and_of_a_mesh(tmp_path, table, ball):
    path = tmp_path / "pointcloud.npz"
    np.savez(path, points=table.astype(np.float16), normals=table.astype(np.float16), loc=np.ones(3), scale=2.0)
    cloud = read(path)
    assert np.abs(cloud.points - table).max() < 1e-3 and np.abs(cloud.normals - table).max() < 1e-3
    np.savez_compressed(path, vertices=ball.vertices, faces=ball.faces)
    assert read(path).is_watertight
    np.savez(path, table)
    assert np.array_equal(read(path).points, table)


def test_an_archive_that_only_trimesh_reads(tmp_path, ball):
    with zipfile.ZipFile(tmp_path / "ball.zip", "w") as archive:
        archive.writestr("ball.ply", ball.export(file_type="ply"))
    assert read(tmp_path / "ball.zip").is_watertight


@pytest.mark.parametrize("name", ["Статуя.ply", "彫刻.PLY", "mit Leerzeichen é.ply", "نحت.ply"])
def test_names_in_any_script(tmp_path, ball, name):
    folder = tmp_path / "ordner_äß"
    write_mesh(ball, folder / name)
    assert read(folder / name).is_watertight


def test_gltf_with_its_buffer_in_the_json(tmp_path, ball):
    import base64

    files = ball.export(file_type="gltf")
    tree = json.loads(files["model.gltf"])
    for buffer in tree["buffers"]:
        buffer["uri"] = "data:application/octet-stream;base64," + base64.b64encode(files[buffer["uri"]]).decode()
    (tmp_path / "b.gltf").write_text(json.dumps(tree))
    assert read(tmp_path / "b.gltf").is_watertight


def test_known_lists_every_format():
    assert {".ply", ".obj", ".off", ".stl", ".glb", ".gltf", ".xyz", ".pts", ".pcd", ".npy", ".npz", ".zip"} <= set(
        readable_extensions()
    )


def test_nothing_is_unpickled(tmp_path):
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}] * 3, dtype=object), allow_pickle=True)
    (tmp_path / "c.npy").write_bytes(stream.getvalue())
    with pytest.raises(InputError, match="Python objects"):
        read(tmp_path / "c.npy")


@pytest.mark.parametrize(
    ("viewpoint", "height", "sensor"),
    [
        ("0 0 0 1 0 0 0", 1, None),  # the default: not known
        ("0 0 0 1 0 0 0", 10, [0, 0, 0]),  # a depth image: the camera
        ("0 0 0 0 1 0 0", 1, [0, 0, 0]),  # turned: somebody set it
        ("1.5 -2 3 1 0 0 0", 1, [1.5, -2, 3]),
        ("1.5 -2 3 1 0 0 0", 10, [1.5, -2, 3]),
    ],
)
def test_pcd_viewpoint_is_the_sensor(tmp_path, table, viewpoint, height, sensor):
    points = table.astype("<f4")
    points[:10] = np.nan
    body = b"".join(struct.pack("<3fI", *row, 0) for row in points.tolist())
    data = pcd(table, "binary", body, height).replace(b"0 0 0 1 0 0 0", viewpoint.encode())
    (tmp_path / "c.pcd").write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cloud = read(tmp_path / "c.pcd")
    if sensor is None:
        assert cloud.sensors is None
    else:
        assert cloud.sensors.shape == cloud.points.shape
        assert (cloud.sensors == sensor).all()


@pytest.mark.parametrize("viewpoint", ["0 0 0", "a b c 1 0 0 0", "nan 0 0 1 0 0 0"])
def test_pcd_with_a_broken_viewpoint(tmp_path, table, viewpoint):
    body = b"".join(struct.pack("<3fI", *row, 0) for row in table.tolist())
    (tmp_path / "c.pcd").write_bytes(pcd(table, "binary", body).replace(b"0 0 0 1 0 0 0", viewpoint.encode()))
    with pytest.raises(InputError, match="VIEWPOINT that is not seven numbers"):
        read(tmp_path / "c.pcd")


@pytest.mark.parametrize(
    "names",
    ["x_origin y_origin z_origin", "origin_x origin_y origin_z", "vp_x vp_y vp_z", "sensor_x sensor_y sensor_z"],
)
def test_ply_with_an_origin_for_each_point(tmp_path, table, names):
    head = "".join(f"property double {name}\n" for name in f"x y z {names}".split())
    rows = "\n".join(" ".join(map(repr, [*row, i, 2.0, 3.0])) for i, row in enumerate(table.tolist()))
    (tmp_path / "c.ply").write_text(f"ply\nformat ascii 1.0\nelement vertex 200\n{head}end_header\n{rows}\n")
    cloud = read(tmp_path / "c.ply")
    assert np.array_equal(cloud.sensors, [[i, 2, 3] for i in range(200)])
    assert not cloud.attributes


def test_a_column_that_counts_the_rows_is_left_out(tmp_path, table):
    np.savetxt(tmp_path / "c.csv", np.column_stack([np.arange(200) + 1, table]), delimiter=",")
    with pytest.warns(UserWarning, match="the first column counts the rows"):
        assert np.allclose(read(tmp_path / "c.csv").points, table)


def test_text_with_a_sensor_for_each_point(tmp_path, table):
    rows = np.column_stack([np.tile([1.5, 2, 3], (200, 1)), table, np.full((200, 3), 7)])
    names = "vp_x,vp_y,vp_z,x,y,z,r,g,b"
    np.savetxt(tmp_path / "c.csv", rows, delimiter=",", header=names, comments="")
    cloud = read(tmp_path / "c.csv")
    assert np.allclose(cloud.points, table) and cloud.normals is None
    assert (cloud.sensors == [1.5, 2, 3]).all() and (cloud.colors[:, :3] == 7).all()


def organised_pcd(points: np.ndarray, sensors: np.ndarray) -> bytes:
    """A PCD of 10 rows of pixels with PCL's PointWithViewpoint."""
    head = "VERSION .7\nFIELDS x y z vp_x vp_y vp_z\nSIZE 4 4 4 4 4 4\nTYPE F F F F F F\nCOUNT 1 1 1 1 1 1\n"
    head += f"WIDTH {len(points) // 10}\nHEIGHT 10\nVIEWPOINT 9 9 9 1 0 0 0\nPOINTS {len(points)}\nDATA binary\n"
    return head.encode() + np.hstack([points, sensors]).astype("<f4").tobytes()


def test_pcd_with_a_viewpoint_for_each_pixel(tmp_path, table):
    points, sensors = table.copy(), table + [0, 0, 3]
    points[::7] = np.nan
    (tmp_path / "c.pcd").write_bytes(organised_pcd(points, sensors))
    with pytest.warns(UserWarning, match="29 of 200 pixels measured nothing"):
        cloud = read(tmp_path / "c.pcd")
    measured = np.arange(200) % 7 > 0
    assert np.allclose(cloud.sensors, sensors[measured], atol=1e-6)
    assert np.array_equal(cloud.pixels, measured)


def test_gaussian_splats(tmp_path, table):
    names = [
        "x",
        "y",
        "z",
        "nx",
        "ny",
        "nz",
        "f_dc_0",
        "f_dc_1",
        "f_dc_2",
        "opacity",
        "scale_0",
        "scale_1",
        "scale_2",
        "rot_0",
        "rot_1",
        "rot_2",
        "rot_3",
    ]
    values = np.zeros((200, len(names)), "<f4")
    values[:, :3], values[:, 6:9], values[:, 9] = table, [0, 10, -10], 3
    values[:50, 9] = -5  # a logit: opacity 0.007
    head = "".join(f"property float {name}\n" for name in names)
    data = f"ply\nformat binary_little_endian 1.0\nelement vertex 200\n{head}end_header\n".encode() + values.tobytes()
    (tmp_path / "c.ply").write_bytes(data)
    with pytest.warns(UserWarning, match="50 of 200 Gaussian splats") as caught:
        cloud = read(tmp_path / "c.ply")
    assert len(caught) == 1  # none of the normals, all zero
    assert np.array_equal(cloud.points, table[50:].astype("<f4"))
    assert (cloud.colors == [128, 255, 0, 255]).all()


@pytest.mark.parametrize(
    ("head", "separator", "color"), [("//X;Y;Z;Rf;Gf;Bf", ";", (0.5, 1, 0)), ("//X Y Z R G B", " ", (128, 255, 0))]
)
def test_text_of_cloudcompare(tmp_path, table, head, separator, color):
    rows = [separator.join(map(repr, [*row, *color])) for row in table.tolist()]
    (tmp_path / "c.txt").write_text("\n".join([head, "200", *rows]))
    cloud = read(tmp_path / "c.txt")
    assert np.array_equal(cloud.points, table)
    assert (cloud.colors == [128, 255, 0, 255]).all()
    (tmp_path / "c.txt").write_text("\n".join([head, "201", *rows]))
    with pytest.raises(InputError, match="promises 201 points, and 200 follow"):
        read(tmp_path / "c.txt")
