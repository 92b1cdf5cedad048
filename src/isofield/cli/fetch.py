"""`isofield fetch [NAME]`: public shapes and samples, and where to request others."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from isofield.cli import output
from isofield.cli.errors import say
from isofield.cli.output import print_json
from isofield.cli.parsing import Flag, Progress
from isofield.cli.progress import shown

if TYPE_CHECKING:
    from isofield.datasets.registry import File, Source


def fetch(
    name: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(help_behavior_hint="")] = None,
    *,
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="DIR", help_behavior_hint="")] = None,
    progress: Progress = True,
    json: Flag = False,
) -> int:
    """Download public shapes or samples; sizes, licence and SHA-256 are shown first, and checked at the end.

    Files that are complete are not downloaded again.

    Args:
        name: What to download. Without it, all names are listed, with data that need an account and where to request
            them.
        out: The folder to write into (default: a folder of that name).
        json: Print the figures, or the list, as JSON to standard output.
    """
    from isofield import datasets

    if name is None:
        _list(json)
        return 0
    source = datasets.find_source(name)
    for line in _described(source):
        say(line)
    arrived = dict.fromkeys(source.files, 0)
    with shown(name, progress) as report:

        def tick(file: File, size: int) -> None:
            arrived[file] = size
            report(file.path, sum(arrived.values()) / source.size)

        paths = datasets.fetch(name, out, progress=tick)
    folder = str(out or name)
    following = f"isofield info {output.quoted(paths[0])}"
    if len(paths) > 1:
        following = f"isofield prepare {output.quoted(folder)} {output.quoted(folder + '-samples')}"
    figures = {"name": name, "licence": source.licence, "bytes": source.size, "files": [str(path) for path in paths]}
    output.show(figures, json, following)
    return 0


def _described(source: Source) -> list[str]:
    """Lines about a source, shown before the download."""
    files = [f"{file.path}  {file.size} bytes  SHA-256 {file.sha256}\n  {file.url}" for file in source.files]
    return [f"{source.name}: {source.what}, {_megabytes(source)}", f"licence: {source.licence}", *files]


def _list(as_json: bool) -> None:
    """Prints all names: those that can be downloaded, and data that people have to request themselves."""
    from isofield.datasets import ELSEWHERE, SOURCES

    if as_json:
        fetched = [asdict(source) for source in SOURCES.values()]
        print_json({"fetched": fetched, "elsewhere": [asdict(other) for other in ELSEWHERE.values()]})
        return
    width = max(map(len, [*SOURCES, *ELSEWHERE]))
    print("isofield fetch NAME downloads:")
    for source in SOURCES.values():
        print(f"  {source.name:<{width}}  {_megabytes(source):>8}  {source.what}; licence: {source.licence}")
    print("\nTo request yourself, for `isofield prepare FOLDER OUT`:")
    for other in ELSEWHERE.values():
        print(f"  {other.name:<{width}}  {other.what}; licence: {other.licence}")
        print(f"  {'':<{width}}  {other.address}: {other.how}; FOLDER is {other.folder}")


def _megabytes(source: Source) -> str:
    return f"{source.size / 1e6:.2f} MB"
