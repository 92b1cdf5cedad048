"""What became of every shape, for people: a table, and a page of pictures."""

from __future__ import annotations

import base64
import csv
import html
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from isofield.datasets.manifest import Record
from isofield.datasets.prepare_shape import PICTURE, place
from isofield.files import atomic_write

STYLE = """body{font:14px/1.4 system-ui,sans-serif;margin:2em;color:#343a42;background:#fff}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(330px,1fr));gap:12px}
figure{margin:0;padding:8px;border:1px solid #d8dce2;border-radius:6px}
figure.reject{border-color:#c0392b}figure.repair{border-color:#d6a23c}
img{width:100%;height:auto}b{font-weight:600}small{color:#5c6570}"""
ORDER = {"reject": 0, "repair": 1, "accept": 2}


def counts(records: Sequence[Record]) -> Counter[str]:
    """How many were accepted, repaired and rejected."""
    return Counter(record.outcome for record in records)


def write(out: Path, records: Sequence[Record]) -> None:
    """Writes report.csv (id, outcome, reason, class, then figures) and report.html, which needs nothing beside it.
    Raises InputError where that fails."""
    names = sorted({name for record in records for name in record.figures})
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["id", "outcome", "reason", "class", *names])
    for record in records:
        rows.writerow(
            [record.id, record.outcome, record.reason, record.label, *(record.figures.get(n, "") for n in names)]
        )
    told = ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts(records).items()))
    cells = "".join(_figure(out, r) for r in sorted(records, key=lambda r: (ORDER[r.outcome], r.id)))
    page = (
        f"<!doctype html><meta charset=utf-8><title>{html.escape(out.name)}</title><style>{STYLE}</style>"
        f"<h1>{html.escape(out.name)}</h1><p>{len(records)} shapes: {told}. Left the shape, right what is inside in "
        f"the plane through its middle (sheets drawn thicker than they are; of points alone, how near they are).</p>"
        f"<main>{cells}</main>\n"
    )
    for name, content in (("report.csv", text.getvalue()), ("report.html", page)):
        with atomic_write(out / name) as beside:
            beside.write_text(content, encoding="utf-8")


def _figure(out: Path, record: Record) -> str:
    path = place(out, record.id) / PICTURE
    image = ""
    if path.is_file():
        image = f'<img alt="" src="data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}">'
    words = html.escape(record.reason or "nothing to mend")
    return (
        f"<figure class={record.outcome}>{image}<figcaption><b>{html.escape(record.id)}</b> {record.outcome}<br>"
        f"<small>{words}</small></figcaption></figure>"
    )
