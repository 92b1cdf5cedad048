"""Quality and time of `isofield.fit` on real and simulated scans, beside Open3D's screened Poisson.

    make bench
    .venv/bin/python benchmarks/reconstruct.py --out reconstruct.json          # resumes where it stopped
    .venv/bin/python benchmarks/reconstruct.py --out reconstruct.json --table  # the tables, in Markdown

Every fit gets the same points and runs in its own process on `--threads` threads without a GPU; its row is written when
it ends. Scans are seeded by shape and condition. Only closed truths without inner walls are scored; the others are
listed with the reason. Rows with an error are repeated.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import pickle
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import reconstruct_methods as methods
import reconstruct_table as table

HERE = Path(__file__).resolve().parent
TIMEOUT = 1800
PACKAGES = ("isofield", "torch", "numpy", "scipy", "trimesh", "libigl", "open3d")
CONDITIONS = ("scans", "plain", "noise", "sparse", "outliers")


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=list(CONDITIONS))
    parser.add_argument("--shapes", nargs="+", metavar="NAME", help="only these, such as spot, cup or body_004")
    default = [method for method in methods.METHODS if method != "neural-pull-paper-start"]
    parser.add_argument("--methods", nargs="+", choices=methods.METHODS, default=default)
    parser.add_argument("--quality", choices=("fast", "balanced", "best"), default="balanced")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.json", help="read, continued and written")
    parser.add_argument("--table", action="store_true", help="run nothing: print the tables and the targets")
    parser.add_argument("--rows", action="store_true", help="with --table: every row, too")
    parser.add_argument("--redo", action="store_true", help="run the chosen rows again, also those that are there")
    parser.add_argument("--list", action="store_true", help="run nothing: name the shapes of each condition")
    parser.add_argument("--workers", type=int, default=1, help="fits at the same time (then seconds mean less)")
    parser.add_argument("--threads", type=int, default=2, help="of each fit")
    return parser.parse_args()


def header(threads: int) -> dict[str, Any]:
    """The machine, the date and the versions."""
    cpu = platform.processor() or platform.machine()
    try:
        lines = subprocess.check_output(["lscpu"], text=True, stderr=subprocess.DEVNULL).splitlines()
        cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("Model name:")), cpu)
    except (OSError, subprocess.CalledProcessError):
        pass
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "machine": f"{cpu}, {os.cpu_count()} cores",
        "threads": threads,
        "date": str(datetime.date.today()),
        "versions": versions,
    }


def commit() -> str:
    """The state of the sources, "" where git does not know."""
    command = ["git", "-C", str(HERE), "describe", "--always", "--dirty"]
    try:
        return subprocess.check_output(command, text=True, stderr=subprocess.DEVNULL).strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def write(results: dict[str, Any], path: Path) -> None:
    """Beside its name, then moved into place."""
    beside = path.with_name(path.name + ".part")
    beside.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    beside.replace(path)


def key(row: dict[str, Any]) -> tuple[str, str, str, str]:
    """What makes a row the same row."""
    return row["condition"], row["shape"], row["method"], row["quality"]


def arrays(mesh: Any) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and faces without what trimesh keeps about them."""
    return np.array(mesh.vertices), np.array(mesh.faces)


def known_floor(row: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The figures of a shape's floor, if they are there: it is the same in every condition in which it is scanned."""
    if row["method"] != "floor" or row["condition"] == "scans":
        return None
    for other in rows:
        alike = other["method"] == "floor" and other["shape"] == row["shape"] and other["condition"] != "scans"
        if alike and "f05" in other:
            return {name: value for name, value in other.items() if name not in row}
    return None


def child(job: dict[str, Any], threads: int) -> dict[str, Any]:
    """One fit in its own process; whatever ends it, there is a row."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, str(HERE / "reconstruct_methods.py")]
    try:
        done = subprocess.run(command, input=pickle.dumps(job), capture_output=True, env=environment, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return {"error": f"took longer than {TIMEOUT} s"}
    lines = done.stdout.decode(errors="replace").strip().splitlines()
    if done.returncode or not lines:
        tail = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or [""]
        return {"error": f"exit status {done.returncode}: {tail[0]}"}
    return json.loads(lines[-1])


def run(args: argparse.Namespace, results: dict[str, Any]) -> None:
    """All chosen rows that are not there yet."""
    import reconstruct_shapes as shapes

    chosen = list(args.methods)
    if find_spec("open3d") is None and any(method.startswith("poisson") for method in chosen):
        print("open3d is not installed (make bench): the rows of Poisson are skipped.", file=sys.stderr)
        chosen = [method for method in chosen if not method.startswith("poisson")]
    if absent := shapes.missing():
        print(f"{shapes.data()} has no {', '.join(absent)}: those shapes are skipped.", file=sys.stderr)
    rows = {key(row): row for row in results["rows"]}
    state, lock = commit(), Lock()

    def finish(row: dict[str, Any], job: dict[str, Any]) -> None:
        found = known_floor(row, list(rows.values())) or child(job, args.threads)
        with lock:
            rows[key(row)] = {**row, **found}
            results["rows"] = list(rows.values())
            write(results, args.out)
        said = found.get("error") or f"F@0.5 % {found['f05']:.4f}, normals {found['normals']:.3f}"
        took = f", {found['seconds']:.1f} s, {found['peak_gib']:.2f} GiB" if "seconds" in found else ""
        print(f"{row['condition']:9} {row['shape']:18} {row['method']:13} {said}{took}", file=sys.stderr, flush=True)

    with ThreadPoolExecutor(args.workers) as pool:
        for condition in args.conditions:
            for shape, make in shapes.cases(condition).items():
                if args.shapes and shape not in args.shapes:
                    continue
                wanted = []
                for method in chosen:
                    quality = "" if method == "floor" or method.startswith("poisson") else args.quality
                    row = {"condition": condition, "shape": shape, "method": method, "quality": quality}
                    row["commit"] = state
                    if args.redo or "f05" not in rows.get(key(row), {}):
                        wanted.append(row)
                if not wanted:
                    continue
                where = shape if condition != "scans" else f"{shape} (scan)"
                try:
                    case = make()
                except ValueError as problem:  # also InputError
                    results["left_out"][where] = str(problem)
                    write(results, args.out)
                    print(f"{where} is left out: {problem}", file=sys.stderr)
                    continue
                results["left_out"].pop(where, None)
                shared = {
                    "points": case.points.points, "normals": case.points.normals, "source": case.source,
                    "truth": arrays(case.truth), "published": case.published and arrays(case.published),
                }  # fmt: skip
                waiting = [pool.submit(finish, row, shared | row) for row in wanted]
                for future in waiting:  # one shape at a time, so that no more than one scan is held
                    future.result()


def main() -> None:
    """Run, or print."""
    args = options()
    results: dict[str, Any] = {"header": header(args.threads), "left_out": {}, "rows": []}
    if args.out.is_file():
        before = json.loads(args.out.read_text(encoding="utf-8"))
        if not args.table:
            if before["header"]["machine"] != results["header"]["machine"]:
                sys.exit(f"{args.out} comes from another machine ({before['header']['machine']}): name another --out.")
            before["header"] = results["header"]
        results = before
    if args.list:
        import reconstruct_shapes as shapes

        for condition in args.conditions:
            print(f"{condition}: {' '.join(shapes.cases(condition))}")
    elif args.table:
        print(table.markdown(results, args.quality, args.rows))
    else:
        run(args, results)


if __name__ == "__main__":
    main()
