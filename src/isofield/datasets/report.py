"""The outcome of every shape: a table, and a page of pictures."""

from __future__ import annotations

import base64
import html
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from isofield.configs.preparing import OF_PICTURES
from isofield.datasets.manifest import PICTURE, Record, shape_folder
from isofield.files import csv_text, write_text

STYLE = """body{font:14px/1.4 system-ui,sans-serif;margin:2em;color:#343a42;background:#fff}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(330px,1fr));gap:12px}
figure{margin:0;padding:8px;border:1px solid #d8dce2;border-radius:6px}
figure.reject{border-color:#c0392b}figure.repair{border-color:#d6a23c}
img{width:100%;height:auto}b{font-weight:600}small{color:#5c6570}"""
ORDER = {"reject": 0, "repair": 1, "accept": 2}


def counts(records: Sequence[Record]) -> Counter[str]:
    """Numbers of accepted, repaired and rejected shapes."""
    return Counter(record.outcome for record in records)


def write(out: Path, records: Sequence[Record]) -> None:
    """Writes report.csv (id, outcome, reason, class, notes, figures) and report.html, a self-contained page.

    Raises InputError where the system refuses.
    """
    names = sorted({name for record in records for name in record.figures})
    rows = [
        {
            "id": record.id, "outcome": record.outcome, "reason": record.reason, "class": record.label,
            "notes": "; ".join(record.notes), **record.figures,
        }
        for record in records
    ]  # fmt: skip
    table = csv_text(["id", "outcome", "reason", "class", "notes", *names], rows)
    numbers = ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts(records).items()))
    cells = "".join(_figure(out, r) for r in sorted(records, key=lambda r: (ORDER[r.outcome], r.id)))
    fitted = any("unseen" in record.figures for record in records)
    guessed = " Red, and between the colours of inside and outside: not measured by the scan." if fitted else ""
    halves = (
        "Left: the shape; right: a section through its middle (sheets are drawn thicker; for points without faces, "
    )
    halves += f"the distance to them).{guessed}"
    if any({*record.files} & {*OF_PICTURES} for record in records):
        halves = "Pictures as they are learned; for shapes also their signed distance, with level sets 0.1 apart."
    page = (
        f"<!doctype html><meta charset=utf-8><title>{html.escape(out.name)}</title><style>{STYLE}</style>"
        f"<h1>{html.escape(out.name)}</h1><p>{len(records)} shapes: {numbers}. {halves}</p>"
        f"<main>{cells}</main>\n"
    )
    for name, content in (("report.csv", table), ("report.html", page)):
        write_text(out / name, content)


def _figure(out: Path, record: Record) -> str:
    path = shape_folder(out, record.id) / PICTURE
    image = ""
    if path.is_file():
        image = f'<img alt="" src="data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}">'
    words = html.escape("; ".join(filter(None, [record.reason, *record.notes])) or "no repairs")
    return (
        f'<figure class="{html.escape(record.outcome)}">{image}<figcaption>'
        f"<b>{html.escape(record.id)}</b> {html.escape(record.outcome)}<br>"
        f"<small>{words}</small></figcaption></figure>"
    )
