"""The rows of benchmarks/reconstruct.py as Markdown: means and worst shapes, and which targets are reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reconstruct_methods import METHODS, SAMPLES

Row = dict[str, Any]

NAMES = {
    "scans": "real scans", "plain": "30 000 points, noise 0.2 %", "noise": "noise 0.5 %", "sparse": "3 000 points",
    "outliers": "5 % outliers", "floor": "truth against itself", "auto": "**auto** (default)",
    "neural-pull-paper-start": "neural-pull, paper's start, short schedule", "poisson": "Poisson, as a user runs it",
    "poisson-true": "Poisson, true normals",
}  # fmt: skip
TARGETS = {"plain": (0.997, 0.985), "noise": (0.98, 0.95), "sparse": (0.97, 0.95), "outliers": (0.995, 0.99)}
"""F at 0.5 % to reach: mean and worst."""
SECONDS, GIB, MARGIN, ABC = {"fast": 15, "balanced": 60}, 4, 0.005, 0.80
PULLED, PULL_F1, PULL_SECONDS = ("spot", "rocker-arm", "fandisk"), 0.95, 120


def pick(rows: list[Row], condition: str, method: str, quality: str) -> dict[str, Row]:
    """Rows of one method in one condition by shape; what is not isofield's has no quality."""
    chosen = [r for r in rows if (r["condition"], r["method"]) == (condition, method) and r["quality"] in ("", quality)]
    return {row["shape"]: row for row in chosen}


def markdown(results: dict[str, Any], quality: str, every_row: bool) -> str:
    """The whole report."""
    head, rows = results["header"], results["rows"]
    conditions = [c for c in NAMES if any(row["condition"] == c for row in rows)]
    versions = ", ".join(f"{name} {number}" for name, number in head["versions"].items())
    commits = ", ".join(sorted({row["commit"] for row in rows if row["commit"]}))
    parts = [
        f"{head['machine']}, {head['threads']} threads a fit, no GPU; {head['date']}; {versions}"
        + (f"; sources at {commits}" if commits else "") + f"; quality {quality}.",
        "Mean (worst) over the shapes. Chamfer-L1 in thousandths of the diagonal; F-scores at 0.5 % and 1 % of it, "
        f"{SAMPLES} samples of each mesh; seconds from points to mesh without imports; "
        "peak memory of the whole process, most; a failed fit counts as F 0.",
        *(summary(rows, condition, quality) for condition in conditions),
        per_shape(rows, conditions, quality),
    ]  # fmt: skip
    if results["left_out"]:
        parts.append("Left out: " + "; ".join(f"{n} ({why})" for n, why in sorted(results["left_out"].items())) + ".")
    parts.append("\n".join(["To reach:", "", *targets(rows, quality)]))
    if every_row:
        parts.append(listing(rows))
    return "\n\n".join(parts)


def spread(rows: list[Row], column: str, low_is_bad: bool, form: Callable[[float], str]) -> str:
    """Mean (worst); a failed fit has no number, and counts as 0 where low is bad."""
    values = [row[column] for row in rows if column in row]
    if low_is_bad:
        values += [0.0] * (len(rows) - len(values))
    if not values:
        return "-"
    return f"{form(sum(values) / len(values))} ({form(min(values) if low_is_bad else max(values))})"


def extra(row: Row) -> int:
    """Components more than the truth has."""
    return max(0, row["components"] - row["truth_components"])


def share(rows: list[Row], good: Callable[[Row], bool]) -> str:
    """How many of the rows are good."""
    return f"{sum('f05' in row and good(row) for row in rows)}/{len(rows)}"


def summary(rows: list[Row], condition: str, quality: str) -> str:
    """One line a method."""
    lines = [
        f"| {NAMES[condition]} | shapes | Chamfer-L1 | F at 0.5 % | F at 1 % | normals | watertight | manifold "
        "| no extra components | seconds | GiB |",
        "| --- " * 11 + "|",
    ]
    for method in METHODS:
        chosen = list(pick(rows, condition, method, quality).values())
        if not chosen:
            continue
        memory = [row["peak_gib"] for row in chosen if "peak_gib" in row]
        cells = [
            NAMES.get(method, method), str(len(chosen)),
            spread(chosen, "chamfer_l1", False, lambda v: f"{1000 * v:.2f}"),
            spread(chosen, "f05", True, lambda v: f"{v:.4f}"), spread(chosen, "f1", True, lambda v: f"{v:.4f}"),
            spread(chosen, "normals", True, lambda v: f"{v:.3f}"),
            share(chosen, lambda row: row["watertight"]), share(chosen, lambda row: row["manifold"]),
            share(chosen, lambda row: extra(row) == 0), spread(chosen, "seconds", False, lambda v: f"{v:.0f}"),
            f"{max(memory):.1f}" if memory else "-",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def per_shape(rows: list[Row], conditions: list[str], quality: str) -> str:
    """F at 0.5 % of the default and of Poisson, shape by shape."""
    shapes = list(dict.fromkeys(row["shape"] for row in rows))
    lines = [
        "F at 0.5 %, auto / Poisson as a user runs it / Poisson with the true normals:", "",
        f"| shape | {' | '.join(NAMES[c] for c in conditions)} |", "| --- " * (len(conditions) + 1) + "|",
    ]  # fmt: skip
    for shape in shapes:
        cells = []
        for condition in conditions:
            found = [pick(rows, condition, m, quality).get(shape) for m in ("auto", "poisson", "poisson-true")]
            scores = ["-" if row is None else f"{row.get('f05', 0):.4f}" for row in found]
            cells.append(" / ".join(scores) if any(found) else "")
        lines.append(f"| {shape} | {' | '.join(cells)} |")
    return "\n".join(lines)


def listing(rows: list[Row]) -> str:
    """Every row with every column."""
    columns = ("condition", "shape", "method", "quality", "chamfer_l1", "f05", "f1", "normals", "watertight",
               "manifold", "components", "truth_components", "f1_published", "faces",
               "seconds", "cpu_seconds", "peak_gib", "error")  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|"]
    for row in rows:
        values = (row.get(column, "") for column in columns)
        cells = (f"{v:.5f}" if isinstance(v, float) else str(v) for v in values)
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines)


def verdict(what: str, missed: list[str], of: int) -> str:
    """One line: reached, or who misses it; nothing to judge is said too."""
    if not of:
        return f"- not run: {what}"
    return f"- {'MISSED' if missed else 'reached'}: {what}" + (f": {', '.join(missed)}" if missed else f" ({of})")


def targets(rows: list[Row], quality: str) -> list[str]:
    """The targets of the default method, each with the shapes that miss it."""
    mine = {c: pick(rows, c, "auto", quality) for c in ("scans", *TARGETS)}
    everything = [row for found in mine.values() for row in found.values()]

    def judged(what: str, fails: Callable[[Row], str | None]) -> str:
        missed = []
        for row in everything:
            problem = "failed" if "f05" not in row else fails(row)
            if problem:
                missed.append(f"{row['shape']} in {row['condition']} ({problem})")
        return verdict(what, missed, len(everything))

    lines = [
        judged("watertight", lambda r: None if r["watertight"] else "; ".join(r["problems"])),
        judged("manifold", lambda r: None if r["manifold"] else "; ".join(r["problems"])),
        judged("no spurious components", lambda r: f"{extra(r)} of {r['components']}" if extra(r) else None),
    ]
    for condition, (mean, worst) in TARGETS.items():
        scores = {shape: row.get("f05", 0.0) for shape, row in mine[condition].items()}
        average = sum(scores.values()) / max(1, len(scores))
        lines.append(verdict(f"{NAMES[condition]}: mean F at 0.5 % of {mean} or more",
                             [f"{average:.4f}"] if average < mean else [], len(scores)))  # fmt: skip
        low = [f"{shape} {value:.4f}" for shape, value in scores.items() if value < worst]
        lines.append(verdict(f"{NAMES[condition]}: every F at 0.5 % {worst} or more", low, len(scores)))
    lines += beside_poisson(rows, mine, quality)
    part = mine["scans"].get("abc")
    for column, truth in (("f1", "the outer surface"), ("f1_published", "the file, inner walls and all")):
        score = part.get(column, 0.0) if part else 0.0
        low = [f"{score:.4f}"] if score < ABC else []
        lines.append(verdict(f"ABC's scan: F at 1 % of {ABC} or more against {truth}", low, int(bool(part))))
    if quality in SECONDS:
        limit = SECONDS[quality]
        lines.append(judged(f"at most {limit} s", lambda r: f"{r['seconds']:.0f} s" if r["seconds"] > limit else None))
    lines.append(judged(f"at most {GIB} GiB", lambda r: f"{r['peak_gib']:.1f}" if r["peak_gib"] > GIB else None))
    lines.append(learned_part(rows, quality))
    lines += pulled(rows)
    return lines


def beside_poisson(rows: list[Row], mine: dict[str, dict[str, Row]], quality: str) -> list[str]:
    """Against Poisson, on the shapes that both have; a fit that failed has 0."""
    worse, rougher, count = [], [], 0
    for condition, found in mine.items():
        theirs = pick(rows, condition, "poisson", quality)
        for shape in found.keys() & theirs.keys():
            count += 1
            a, b = ({"f05": 0.0, "normals": 0.0} | row for row in (found[shape], theirs[shape]))
            if a["f05"] < b["f05"] - MARGIN:
                worse.append(f"{shape} in {condition} ({a['f05']:.4f}, Poisson {b['f05']:.4f})")
            if a["normals"] <= b["normals"]:
                rougher.append(f"{shape} in {condition} ({a['normals']:.4f}, Poisson {b['normals']:.4f})")
    oracle = pick(rows, "plain", "poisson-true", quality)
    both = mine["plain"].keys() & oracle.keys()
    means = [sum(r[s].get("f05", 0.0) for s in both) / max(1, len(both)) for r in (mine["plain"], oracle)]
    below = [f"{means[0]:.4f}, Poisson {means[1]:.4f}"] if means[0] < means[1] else []
    return [
        verdict(f"F at 0.5 % nowhere more than {MARGIN} below Poisson as a user runs it", sorted(worse), count),
        verdict("normal consistency above Poisson's everywhere", sorted(rougher), count),
        verdict("plain: mean F at 0.5 % not below Poisson's with the true normals", below, len(both)),
    ]


def learned_part(rows: list[Row], quality: str) -> str:
    """What the network adds to the default, which is the grid alone, over the fits that both have."""
    gains = [
        (row["f05"] - grid[shape]["f05"], row["normals"] - grid[shape]["normals"])
        for condition in ("scans", *TARGETS)
        for grid in [pick(rows, condition, "auto", quality)]
        for shape, row in pick(rows, condition, "ssd-siren", quality).items()
        if "f05" in row and "f05" in grid.get(shape, {})
    ]
    if not gains:
        return "- not run: ssd-siren beside auto"
    f, normals = (sum(column) / len(gains) for column in zip(*gains, strict=True))
    what = f"- ssd-siren minus auto (what the network adds), mean of {len(gains)}"
    return f"{what}: F at 0.5 % {f:+.4f}, normals {normals:+.4f}"


def pulled(rows: list[Row]) -> list[str]:
    """Neural-Pull alone, in every quality that was run, on the given scans or, without those, the plain ones."""
    lines = []
    for quality in sorted({row["quality"] for row in rows if row["method"] == "neural-pull"}):
        condition = "scans" if pick(rows, "scans", "neural-pull", quality) else "plain"
        found, paper = (pick(rows, condition, m, quality) for m in ("neural-pull", "neural-pull-paper-start"))
        chosen = [found[shape] for shape in PULLED if shape in found]
        missed = [
            f"{row['shape']} ({row.get('f1', 0):.4f}, {row.get('seconds', 0):.0f} s)" for row in chosen
            if row.get("f1", 0) < PULL_F1 or row["seconds"] > PULL_SECONDS
        ]  # fmt: skip
        what = f"neural-pull, {quality}: F at 1 % of {PULL_F1} or more in {PULL_SECONDS} s on {', '.join(PULLED)}"
        lines.append(verdict(what, missed, len(chosen)))
        both = [row for row in chosen if row["shape"] in paper]
        lower = [row["shape"] for row in both if row.get("f1", 0) <= paper[row["shape"]].get("f1", 0)]
        lines.append(verdict(f"neural-pull, {quality}: above the paper's start, short schedule", lower, len(both)))
    return lines
