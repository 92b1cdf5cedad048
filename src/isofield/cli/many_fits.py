"""Several inputs of `isofield fit`: one after the other or in several processes, continued where a run was stopped."""

from __future__ import annotations

import hashlib
import json
import sys
import warnings
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isofield import __version__
from isofield.cli import output
from isofield.cli.errors import say, show_warnings, tell
from isofield.cli.fit_job import run
from isofield.files import printable, write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from isofield.cli.fit import Fit, Job

RECORD = "fits.json"
"""The file beside the meshes that says what was fitted: by mesh, a fingerprint, a digest of the files, and figures."""
IRRELEVANT = {"inputs", "out", "workers", "progress", "json", "view", "frames", "preview"}
"""Options that change no file of an input."""


def several(jobs: list[Job], options: Fit[Any]) -> int:
    """Fit all, each alone: the exit status. A failing input is reported, and the others continue.

    An input whose files are there, as fitted with the same bytes and options by this version, is not fitted again.
    """
    path = Path(options.out) / RECORD
    known, prints = _read(path), {job: fingerprint(job, options) for job in jobs}
    record = {job: known[str(job.mesh)] for job in jobs if _is_whole(known.get(str(job.mesh)), prints[job])}
    results = {job: dict(entry["figures"]) for job, entry in record.items()}
    if results:
        say(f"{len(results)} of {len(jobs)} inputs are fitted already, and stay as they are.")
    todo, following, stopped = [job for job in jobs if job not in results], "", False
    try:
        for job, figures, after in _fitted(todo, options):
            results[job] = figures
            if "error" in figures:
                continue
            following = after
            if not options.json:
                print("", *output.lines(figures), sep="\n", file=sys.stderr, flush=True)
            if figures["interrupted"]:
                stopped = True
                break
            written = {"fingerprint": prints[job], "written": _digest(figures["files"])}
            known[str(job.mesh)] = {**written, "figures": output.finite(figures)}
            _write(path, known)
    except KeyboardInterrupt as interrupt:
        stopped = True
        say(str(interrupt) or "interrupted: inputs that were being fitted are not kept.")
    left = len(jobs) - len(results)
    if stopped and left:
        say(f"{left} of {len(jobs)} inputs were not fitted: the same command fits them.")
    if options.json:
        output.print_json([results[job] for job in jobs if job in results])
    elif following:
        say(f"next: {following}")
    failed = [str(job.source) for job in jobs if "error" in results.get(job, {})]
    if failed:
        say(f"{len(failed)} of {len(jobs)} inputs could not be fitted: {', '.join(failed)}")
    return 130 if stopped and left else 2 if failed else 0


def fingerprint(job: Job, options: Fit[Any]) -> str:
    """What the result of an input depends on: the version, the bytes of the file, and the options."""
    chosen = {name: value for name, value in vars(options).items() if name not in IRRELEVANT | {"settings"}}
    chosen["settings"] = (type(options.settings).__name__, asdict(options.settings))
    digest = hashlib.sha256(repr((__version__, chosen)).encode())
    for source in (job.source, options.viewpoint):
        if source is not None and Path(source).is_file():
            with suppress(OSError):  # the fit says that it cannot be read
                digest.update(Path(source).read_bytes())
    return digest.hexdigest()


def attempt(options: Fit[Any], job: Job) -> tuple[dict[str, Any], str]:
    """`fit_job.run`; an error is reported, and returned in place of the figures."""
    with warnings.catch_warnings():
        show_warnings()
        try:
            return run(job, options)
        except Exception as error:  # a defect in one input's work is no reason to leave the others undone
            tell(error)
            return {"input": str(job.source), "error": str(error)}, ""


def _fitted(jobs: list[Job], options: Fit[Any]) -> Iterator[tuple[Job, dict[str, Any], str]]:
    """Each job with its figures and the command to type next, as they end."""
    if options.workers == 1 or len(jobs) < 2:
        for job in jobs:
            yield job, *attempt(options, job)
        return
    from isofield.isolation import Failure, isolated

    with isolated(min(options.workers, len(jobs)), None) as run:
        for job, result in run(partial(attempt, replace(options, progress=False)), jobs):
            if isinstance(result, Failure):
                say(f"error: {job.source} {result.reason}")
                result = {"input": str(job.source), "error": result.reason}, ""
            yield job, *result


def _is_whole(entry: Mapping[str, Any] | None, fingerprint: str) -> bool:
    """Whether an entry of the record is of this fingerprint, and its files are as they were written."""
    return (
        entry is not None
        and entry["fingerprint"] == fingerprint
        and entry["written"] is not None
        and entry["written"] == _digest(entry["figures"]["files"])
    )


def _digest(names: Iterable[str]) -> str | None:
    """The digest of files and of all files in folders; None where one cannot be read."""
    digest = hashlib.sha256()
    try:
        for path in map(Path, names):
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if not file.is_dir():
                    digest.update(hashlib.sha256(file.read_bytes()).digest())
    except OSError:
        return None
    return digest.hexdigest()


def _read(path: Path) -> dict[str, Any]:
    """The record, which is empty if the file is missing or damaged."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return {
            str(mesh): entry for mesh, entry in record.items() if {"fingerprint", "written", "figures"} <= entry.keys()
        }
    except (OSError, ValueError, AttributeError):
        return {}


def _write(path: Path, record: Mapping[str, Any]) -> None:
    """The record as a file, whole at any time."""
    write_text(path, printable(json.dumps(record, indent=1, ensure_ascii=False)))
