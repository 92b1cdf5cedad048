"""The data of `isofield fetch`: files for everybody, each pinned to a commit, and where to request other data.

Sizes and SHA-256 are those of the files at that commit; other content is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class File:
    """path: below the folder of the download. url: its address. size: in bytes. sha256: 64 digits."""

    path: str
    url: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Source:
    """name, what, licence: for people. files: all its files."""

    name: str
    what: str
    licence: str
    files: tuple[File, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True)
class Elsewhere:
    """Data that `fetch` cannot download: they need an account, or have no published checksum.

    address: where to request or download them. how: what to do there. folder: what to give `isofield prepare`, once
    they are unpacked.
    """

    name: str
    what: str
    licence: str
    address: str
    how: str
    folder: str


def _raw(repository: str, commit: str, path: str, size: int, sha256: str, to: str = "") -> File:
    """A file of a public repository on GitHub; to: its path here, by default its own name."""
    url = f"https://raw.githubusercontent.com/{repository}/{commit}/{quote(path)}"
    return File(to or path.rsplit("/", 1)[-1], url, size, sha256)


def _model(commit: str, path: str, size: int, sha256: str) -> tuple[File, ...]:
    return (_raw("alecjacobson/common-3d-test-models", commit, path, size, sha256),)


def _sampled(kind: str, shape: str, size: int, sha256: str) -> File:
    """A file of an aircraft from DeepSDF's preprocessing, at its path in that layout."""
    path = f"{kind}/ShapeNetV2/02691156/{shape}"
    commit = "49b756a3a2f31b2f2a08f420c4d079463c4bf5b5"
    return _raw("vsitzmann/metasdf", commit, f"3D/data/{path}", size, sha256, to=path)


SOURCES: dict[str, Source] = {source.name: source for source in (
    Source("spot", "a cow: closed, 5 856 faces", "CC0 1.0 (Keenan Crane)", _model(
        "8a4f8642acaf43f9cd7b67858a1502e1055ef202", "data/spot.obj", 330_624,
        "0738b5e8608fed74e5e8c7aa8dd0af97b4b74f9f6cbf7aac84cd7e40b2e44a75",
    )),
    Source("stanford-bunny", "the Stanford bunny: 69 451 faces, with its holes", "research, credit Stanford", _model(
        "29339feae9a77dbd839d0a83f8349c2e7f978c8f", "data/stanford-bunny.obj", 2_408_417,
        "1eb35d1e21ce99e5ce911353b6be278990713448dd9e8f5c9387f9de39b32205",
    )),
    Source("fandisk", "a part with sharp edges", "none stated (Pratt & Whitney, Hugues Hoppe)", _model(
        "f0f46265301433f4374e80711751a56d1f19f3d4", "data/fandisk.obj", 379_559,
        "ea5bab2fbf545b1915f0d9faf6cc61ff8c18e0d8174ad61f8e35de15d8f6e3f8",
    )),
    Source("rocker-arm", "a part with sharp edges and a handle", "none stated (INRIA, AIM@SHAPE)", _model(
        "b05935cb619f843c96ef50ab45857fab9b281a3a", "rocker-arm.obj", 665_711,
        "590257e6d01e689354821d807854306c3bfbb02d9cca73404d5a4924f105c287",
    )),
    Source("cow", "another cow, of 5 804 faces", "none stated (Viewpoint Animation Engineering)", _model(
        "f4cdcb194dd2a5f583cd8c714e868c33db6d15bc", "data/cow.obj", 180_177,
        "69afce548640bc2beb0c44894d1a24d5766cc9cd3fd74f3ec55b4e229104b23f",
    )),
    Source("homer", "a figure", "none stated", _model(
        "1e020cbe4d7b2326e03443a2106dccfdf46685d7", "data/homer.obj", 369_782,
        "b20b1391fd62964f65703d748514d86d747d1202d38e55e0f1addac7a5a10e8b",
    )),
    Source("suzanne", "a monkey's head: open, of several bodies", "none stated (Blender's test model)", _model(
        "ae0c8d85001509c6f349ddae6642081c3425b6ab", "data/suzanne.obj", 49_137,
        "d8684326f9bd8cfc24d3d302c1042fa16f63d2e66e49ed56b413fa20bed271e6",
    )),
    Source("teapot", "the Utah teapot: open, of several bodies", "none stated (Martin Newell, 1975)", _model(
        "f96f1e93ec315a43cc771d596fcdc4268bd8b047", "data/teapot.obj", 210_614,
        "1b5396fedd74b577e32cef41146582c2f2e1a050d5b4915193c0ac1ad4187ed4",
    )),
    Source("bunny-scan", "one laser range scan of the bunny", "research, credit Stanford", (_raw(
        "Minisal/ICP", "9b86d0c7e97b498860e2628a712be2c579d2f456", "data/bun000.ply", 1_988_159,
        "7d48f9fdf917311de680d074edce8aff25a4b9bfd87be9301822dace811209fb",
    ),)),
    Source("gargoyle", "95 435 scanned points with normals, from Neural-Pull's demo", "research only", (_raw(
        "mabaorui/NeuralPull-Pytorch", "1f499995cdb509ecbd37fbba45f5666120370dd0", "data/gargoyle.ply", 2_290_613,
        "78bb925be84a1eced067eb21f4020417731b42c6256b21e86711ce54ee2c9b67",
    ),)),
    Source("abc-part", "a part of ABC, from Points2Surf", "ABC's terms: its author keeps the rights", (_raw(
        "ErlerPhilipp/points2surf", "bbc18d0f36f67a68691ffe459046cd9545ce10fc",
        "datasets/minimal/03_meshes/00011084_fddd53ce45f640f3ab922328_trimesh_019.ply", 307_116,
        "b8c9009b48a4a61fbb7e5180d6876a4ee4df202cc5823fa2ca93a001d3df380a",
    ),)),
    Source("deepsdf-aircraft", "samples of three aircraft, from DeepSDF's preprocessing",
           "ShapeNet's terms: research and education, not for profit", (
        _sampled("SdfSamples", "d18f2aeae4146464bd46d022fd7d80aa.npz", 3_628_746,
                 "c3ff84cdfd4e2b3849fa3f2081fc2789db493d407df15f0a852d239c4ad88357"),
        _sampled("SdfSamples", "d23eecb0437107756c63b8b48495261a.npz", 3_914_186,
                 "a2216eb04acb689b6dbae983cfc959271f750889844fdd976e93acff41a1d7aa"),
        _sampled("SdfSamples", "edc9fefa5fb82a0443a0c73d98327de8.npz", 3_467_770,
                 "5cb8f676c752aac8ab992c52e1e31e3b474dcd223ee0fc5644986c34923c58a5"),
        _sampled("NormalizationParameters", "d18f2aeae4146464bd46d022fd7d80aa.npz", 388,
                 "450a66522d4c69e5dbd3cb009e40a1bced7ceaee7909f98fe47ce3ddd56eede7"),
        _sampled("NormalizationParameters", "d23eecb0437107756c63b8b48495261a.npz", 388,
                 "00e8f20fc9e62f7c41c654ac89618288d2445ff16379e06183246cee4ec27682"),
        _sampled("NormalizationParameters", "edc9fefa5fb82a0443a0c73d98327de8.npz", 388,
                 "9a0a39dcac2049192c6e7c9d5bfd32d1a375edd059c90c7f473fcdc412e026f6"),
        _sampled("SurfaceSamples", "d18f2aeae4146464bd46d022fd7d80aa.ply", 1_102_875,
                 "12f66456d305d045eae3afefc2e0d84263eebfd7fa4790ececd8cb4403a8cc1e"),
        _sampled("SurfaceSamples", "d23eecb0437107756c63b8b48495261a.ply", 1_096_960,
                 "d1b5ae8a22d98deaaf41f42a43ce28aff3834e7473263c96deefddd3cc75e208"),
        _sampled("SurfaceSamples", "edc9fefa5fb82a0443a0c73d98327de8.ply", 1_096_476,
                 "254de37ce7cb6f55c9e52c53ebae3c15d92a15f7cd10a137ea8b747f47af9ad4"),
    )),
)}  # fmt: skip
"""Data that can be downloaded, by name."""

ELSEWHERE: dict[str, Elsewhere] = {source.name: source for source in (
    Elsewhere("shapenet", "ShapeNetCore, 51 300 shapes of 55 classes", "research and education, not for profit",
              "https://shapenet.org", "ask for an account, and unpack ShapeNetCore.v1 or .v2",
              "the one that holds the classes' numbers (02691156, ...)"),
    Elsewhere("dfaust", "D-FAUST, 40 000 scans of moving bodies", "research", "https://dfaust.is.tue.mpg.de",
              "register, and unpack the scans or the registrations", "the one that holds subject/sequence/frame.ply"),
    Elsewhere("modelnet", "ModelNet10 and ModelNet40", "research", "https://modelnet.cs.princeton.edu",
              "unpack ModelNet10.zip or ModelNet40.zip", "the one that holds class/train and class/test"),
    Elsewhere("abc", "ABC, a million CAD models", "Onshape's terms: their authors keep the rights",
              "https://deep-geometry.github.io/abc-dataset", "unpack the .obj chunks", "the one that holds the chunks"),
    Elsewhere("thingi10k", "Thingi10K, 10 000 models for printers", "open licences, another for each model",
              "https://huggingface.co/datasets/Thingi10K/Thingi10K", "unpack the raw meshes", "raw_meshes"),
    Elsewhere("capod", "CAPOD, 180 soups of 15 classes", "CC BY 3.0 (Papadakis 2014)",
              "https://github.com/trneedham/QuantizedGromovWasserstein", "clone it", "data/CAPOD"),
    Elsewhere("random-urdfs", "objects of overlapping parts, of Bullet", "zlib",
              "https://github.com/bulletphysics/bullet3", "clone it",
              "examples/pybullet/gym/pybullet_data/random_urdfs"),
)}  # fmt: skip
"""Data that people have to request themselves, by name."""
