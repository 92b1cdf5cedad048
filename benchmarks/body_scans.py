"""SALD's experiment: spaces of bodies from raw scans, beside single fits and retrieval, by the command line.

    .venv/bin/python benchmarks/body_scans.py WORK                                  # every method, one Markdown table
    .venv/bin/python benchmarks/body_scans.py WORK --methods sald "linear --warps 7" --pages sald.lm

40 scans of 10 people are learned, and 12 of 3 others reconstructed (scans/bodies of the folder that ISOFIELD_DATA
names). A method is a name with further options of `isofield train` (or `fit`):

    sal, sald     unsigned samples of the raw scans without the floor; codes by the encoder and by Levenberg-Marquardt,
                  and the latter refined
    linear, pca-mlp, deepsdf   signed samples of scans that were fitted first; codes, and for linear its residual, too
    fit           `isofield fit` on each test scan; nothing is learned
    poisson       Open3D's screened Poisson, depth 9, on each test scan's vertices and the normals of its faces
    retrieval     the training registration that is nearest to the truth

WORK keeps samples, runs, meshes and the seconds of each stage; what is there is not made again. Scores are those of
`isofield evaluate --protocol dfaust`: two-sided Chamfer-L1 to the registrations in % of the standing height.
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from reconstruct import commit, header
from reconstruct_shapes import data

from isofield import io
from isofield.evaluate import dfaust
from isofield.evaluate.distances import chamfer_l1, match
from isofield.evaluate.surface_samples import SurfaceSamples, read_surface, sample_surface

PREPARE = {
    "unsigned": ["--samples", "unsigned", "surface", "--normalize", "dataset", "--drop-floor", "--count", "60000"],
    "fitted": ["--fit", "--samples", "signed", "--normalize", "dataset"],
}
"""Options of `isofield prepare` for each kind of training data."""
SPACES: dict[str, tuple[str, dict[str, list[str]]]] = {
    **dict.fromkeys(
        ("sal", "sald"), ("unsigned", {"encoder": ["--by", "encoder"], "lm": ["--by", "lm"], "refined": ["--refine"]})
    ),
    "linear": ("fitted", {"code": [], "refined": ["--refine"]}),
    **dict.fromkeys(("pca-mlp", "deepsdf"), ("fitted", {"code": []})),
}
"""The training data of each space, and the options of `isofield infer` for each way to a code."""
FEW, KEPT = 1500, 6
"""Points that rank the training registrations for retrieval, and the number of them that are compared in full."""


class Work:
    """The folder of a benchmark. seconds: of each stage that ran, by the name of its output."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.scans = folder, data() / "scans" / "bodies"
        self.registrations = self.scans.with_name("bodies_registrations")
        self.train, self.test = (self._ids(part) for part in ("train", "test"))
        self._table = folder / "seconds.json"
        self.seconds: dict[str, float] = json.loads(self._table.read_text()) if self._table.is_file() else {}
        for id_ in self.test:
            path = folder / "scans" / f"{id_}.ply"
            if not path.is_file():
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.scans / f"{id_}.ply", path)

    def _ids(self, part: str) -> list[str]:
        table = json.loads((self.scans / f"{part}.json").read_text())
        return [
            f"{person}/{pose}/{frame}" for person, poses in table.items() for pose in poses for frame in poses[pose]
        ]

    def once(self, name: str, make: Callable[[Path], None]) -> Path:
        """The output WORK/name, made and timed where it is not there yet."""
        out = self.folder / name
        if name not in self.seconds:
            start = time.perf_counter()
            make(out)
            self.seconds[name] = time.perf_counter() - start
            self._table.write_text(json.dumps(self.seconds, indent=1))
            print(f"{name}: {self.seconds[name]:.1f} s", file=sys.stderr, flush=True)
        return out

    def command(self, name: str, *words: str | Path) -> Path:
        """The output of `isofield WORDS... -o WORK/name`; of `prepare`, which has no -o, its last argument."""

        def make(out: Path) -> None:
            to = [] if words[0] == "prepare" else ["-o"]
            # 1: some inputs have no result; they are scored as failures.
            if isofield(words[0], *words[1:], *to, out).returncode not in (0, 1):
                raise SystemExit(f"{name}: isofield {shlex.join(map(str, words))} failed")

        return self.once(name, make)

    def points(self, id_: str) -> SurfaceSamples:
        """Samples of a registration, in metres."""
        return sample_surface(
            read_surface(self.registrations / f"{id_}.ply"), dfaust.POINTS, np.random.default_rng(1), id_
        )


def isofield(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """A run of the command line; its messages go to standard error."""
    line = [sys.executable, "-m", "isofield", *map(str, words)]
    return subprocess.run(line, stdout=subprocess.PIPE, text=True)


def results(work: Work, method: str) -> dict[str, tuple[Path, float, float]]:
    """The reconstructions of a method by each of its ways: their folder, the seconds to learn (with those of preparing
    the scans), and the seconds for each test scan."""
    name, *options = shlex.split(method)
    label, count = "-".join([name, *(word.strip("-") for word in options)]), len(work.test)
    if name in SPACES:
        kind, ways = SPACES[name]
        given = work.scans, "--split", work.scans / "train.json", *PREPARE[kind]
        samples = work.command(f"samples-{kind}", "prepare", *given)
        run = work.command(f"run-{label}", "train", name, samples, *options)
        learned = work.seconds[f"samples-{kind}"] + work.seconds[f"run-{label}"]
        made = {}
        for way, words in ways.items():
            out = work.command(f"{label}.{way}", "infer", run, work.folder / "scans", *words)
            made[f"{label}.{way}"] = out, learned, work.seconds[f"{label}.{way}"] / count
        return made
    if name == "fit":
        every = [work.folder / "scans" / f"{id_}.ply" for id_ in work.test]
        out = work.command(label, "fit", *every, *options)
    else:
        out = work.once(label, {"poisson": poisson, "retrieval": retrieval}[name](work))
    return {label: (out, 0.0, work.seconds[label] / count)}


def poisson(work: Work) -> Callable[[Path], None]:
    """Open3D's screened Poisson on every test scan."""

    def make(out: Path) -> None:
        import open3d as o3d
        import trimesh

        for id_ in work.test:
            scan = read_surface(work.scans / f"{id_}.ply")
            cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(np.array(scan.vertices)))
            cloud.normals = o3d.utility.Vector3dVector(np.array(scan.vertex_normals))
            mesh, _ = o3d.geometry.TriangleMesh.create_from_point_cloud_poisson(cloud, depth=9)
            io.write_mesh(trimesh.Trimesh(np.asarray(mesh.vertices), np.asarray(mesh.triangles)), out / f"{id_}.ply")

    return make


def retrieval(work: Work) -> Callable[[Path], None]:
    """The training registration that is nearest to each test registration."""

    def make(out: Path) -> None:
        training = {id_: work.points(id_) for id_ in work.train}
        for id_ in work.test:
            truth = work.points(id_)
            rough = {name: chamfer_l1(match(one.first(FEW), truth.first(FEW))) for name, one in training.items()}
            near = sorted(rough, key=lambda name: rough[name])[:KEPT]
            best = min(near, key=lambda name: chamfer_l1(match(training[name], truth)))
            (out / id_).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(work.registrations / f"{best}.ply", out / f"{id_}.ply")

    return make


def scores(work: Work, folder: Path, pages: Path | None) -> dict[str, dict[str, Any]]:
    """{id: scores} of `isofield evaluate`; what has none is left out."""
    words = ["evaluate", folder, work.registrations, "--scans", work.scans, "--protocol", "dfaust", "--json"]
    words += ["--split", work.scans / "test.json", "--no-floor"]
    done = isofield(*words, *([] if pages is None else ["--pages", pages]))
    if done.returncode not in (0, 1):
        return {}
    return {row["name"]: row for row in json.loads(done.stdout)["pairs"]}


def row(
    name: str, learned: float, each: float, of: dict[str, dict[str, Any]], ids: Sequence[str], least: dict[str, float]
) -> str:
    """A line of the table; what has no result counts as infinitely far. least: retrieval's Chamfer distances."""

    def values(key: str, worst: float = math.inf) -> list[float]:
        return [of[id_][key] if id_ in of else worst for id_ in ids]

    chamfer = values("reg_chamfer_height")
    won = f"{sum(value < least[id_] for value, id_ in zip(chamfer, ids, strict=True))} of {len(ids)}" if least else "-"
    closed = sum(bool(one["watertight"]) and one["components"] == 1 for one in of.values())
    cells = [
        name, f"{learned:.0f}" if learned else "-", f"{each:.1f}", f"{median(chamfer):.2f}", f"{max(chamfer):.2f}",
        f"{median(values('reg_to_surface')):.2f}", f"{100 * median(values('reg_within', 0)):.1f}",
        f"{median(values('normal_consistency', 0)):.3f}", f"{1000 * median(values('scan_to_gen_chamfer')):.1f}",
        f"{1000 * median(values('gen_to_scan_chamfer')):.1f}", f"{closed}", won,
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


HEADINGS = (
    "method", "learned, s", "a scan, s", "Chamfer %, median", "worst", "to surface %", "within 1 %, %", "normals",
    "scan→gen, mm", "gen→scan, mm", "closed and whole", "better than retrieval",
)  # fmt: skip


def main() -> None:
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, metavar="WORK")
    every = ["retrieval", "fit", "poisson", "sal", "sald", "linear", "linear --warps 15 --length 1024 --megabytes 60"]
    parser.add_argument("--methods", nargs="+", default=every, metavar="METHOD", help="by default: " + ", ".join(every))
    parser.add_argument("--pages", nargs="*", default=[], metavar="ROW", help="rows of the table to write pages for")
    args = parser.parse_args()
    work = Work(args.work)
    about = header(1)
    print(f"{about['machine']}, {about['date']}, {commit()}\n", flush=True)
    print(f"| {' | '.join(HEADINGS)} |\n|{' --- |' * len(HEADINGS)}", flush=True)
    least: dict[str, float] = {}
    for method in sorted(args.methods, key=lambda name: name != "retrieval"):
        for name, (folder, learned, each) in results(work, method).items():
            of = scores(work, folder, args.work / "pages" / name if name in args.pages else None)
            if method == "retrieval":
                least = {id_: one["reg_chamfer_height"] for id_, one in of.items()}
            print(row(name, learned, each, of, work.test, {} if method == "retrieval" else least), flush=True)


if __name__ == "__main__":
    main()
