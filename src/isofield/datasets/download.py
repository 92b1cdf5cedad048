"""Public files onto this machine: what was cut goes on where it stopped, and nothing half or wrong takes a name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from isofield.datasets.registry import ELSEWHERE, SOURCES, File, Source
from isofield.errors import InputError, did_you_mean
from isofield.io import check_output

Arrived = Callable[[File, int], None]
"""(a file, how many of its bytes are here)"""
BLOCK = 1 << 16
PATIENCE = 30.0
"""Seconds without a byte after which a connection counts as cut."""


def find_source(name: str) -> Source:
    """What can be fetched by this name.

    Raises InputError for a name that is unknown, and for what people have to get themselves, with where and how.
    """
    if name in SOURCES:
        return SOURCES[name]
    if name in ELSEWHERE:
        other = ELSEWHERE[name]
        raise InputError(
            f"{name} ({other.what}; {other.licence}) cannot be fetched from here: go to {other.address}, {other.how}, "
            f"and give `isofield prepare` its folder, {other.folder}."
        )
    near = did_you_mean(name, [*SOURCES, *ELSEWHERE])
    raise InputError(f"there is nothing called '{name}' to fetch{near}; `isofield fetch` lists what there is.")


def fetch(name: str, out: str | os.PathLike[str] | None = None, *, told: Arrived | None = None) -> list[Path]:
    """Downloads what a name of `datasets.registry` stands for into the folder `out` (default: of that name).

    Files that are there and whole stay. The others come under a hidden name, go on where they were cut if the server
    takes part requests (RFC 9110, section 14), and take their names once size and SHA-256 are right. told: called as
    the bytes of a file arrive. Returns the paths of all files.

    Raises InputError for an unknown name, a file of another content in the place of one, a machine without network, a
    server that refuses, has other bytes or cuts the connection, and where nothing can be written.
    """
    source = find_source(name)
    folder = Path(source.name if out is None else out)
    places = {folder / file.path: file for file in source.files}
    missing = {place: file for place, file in places.items() if not _is_here(place, file)}
    for place in missing:
        check_output(place, (place.suffix[1:],))
    for place, file in missing.items():
        _bring(file, place, told or (lambda file, size: None))
    return list(places)


def _is_here(place: Path, file: File) -> bool:
    """Whether a file is there and whole. Raises InputError where something else has its name."""
    try:
        if not os.path.lexists(place):
            return False
        if place.stat().st_size == file.size and _digest(place) == file.sha256:
            return True
    except OSError as error:
        raise InputError(
            f"{place} cannot be read ({error.strerror or error}): move it away, or choose another folder."
        ) from None
    raise InputError(f"{place} is there, with another content than {file.url}: move it away, or choose another folder.")


def _bring(file: File, place: Path, told: Arrived) -> None:
    """Downloads one file, or the rest of it, checks it, and moves it into place."""
    part = place.with_name(f".{place.name}.{file.sha256[:8]}.part")
    try:
        have = part.stat().st_size if part.exists() else 0
        if have != file.size:
            _download(file, part, have if have < file.size else 0, told)
        if (got := _digest(part)) != file.sha256:
            part.unlink()
            raise InputError(
                f"{file.url} has other bytes than it had (SHA-256 {got[:12]}..., not {file.sha256[:12]}...), so what "
                "came is removed again: try once more, and report it if it stays so."
            )
        os.replace(part, place)
    except OSError as error:
        raise InputError(
            f"{place} cannot be written ({error.strerror or error}): make room, or choose another folder."
        ) from None


def _download(file: File, part: Path, have: int, told: Arrived) -> None:
    """Writes all of a file, or what lacks after `have` bytes, into `part`."""
    with _asked(file, have) as response:
        if response.status != 206:  # the server sends all of it, whatever was asked for
            have = 0
        rest = response.length
        if rest is not None and have + rest != file.size:
            part.unlink(missing_ok=True)
            raise InputError(
                f"{file.url} has {have + rest} bytes, not {file.size}, so nothing is kept of it: try once more, and "
                "report it if it stays so."
            )
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab" if have else "wb") as writing:
            while have < file.size and (block := _block(response, file, have)):
                writing.write(block[: file.size - have])
                have += len(block)
                told(file, min(have, file.size))
    if have < file.size:
        raise _cut(file, have, "it ended early")


def _asked(file: File, have: int) -> HTTPResponse:
    """The server's answer to the request for a file from byte `have` on. Raises InputError where there is none."""
    from isofield import __version__

    headers = {"User-Agent": f"isofield/{__version__}"} | ({"Range": f"bytes={have}-"} if have else {})
    host = urlsplit(file.url).hostname
    try:
        response: HTTPResponse = urlopen(Request(file.url, headers=headers), timeout=PATIENCE)
    except HTTPError as error:
        if error.code == 416 and have:  # it has fewer bytes than are here: all of it, then
            return _asked(file, 0)
        if error.code in (404, 410):
            raise InputError(f"{file.url} is not there any more (HTTP {error.code}): report it.") from None
        raise InputError(f"{host} refuses {file.url} (HTTP {error.code} {error.reason}): try again later.") from None
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise InputError(
            f"{host} cannot be reached ({_words(reason)}): give the command where there is a network, and copy what it "
            "brings."
        ) from None
    return response


def _block(response: HTTPResponse, file: File, have: int) -> bytes:
    """The next bytes of an answer, none at its end. Raises InputError where the connection breaks."""
    try:
        return response.read(BLOCK)
    except (OSError, HTTPException) as error:
        raise _cut(file, have, _words(error)) from None


def _cut(file: File, have: int, reason: str) -> InputError:
    return InputError(
        f"The connection to {urlsplit(file.url).hostname} was cut after {have} of {file.size} bytes of {file.path} "
        f"({reason}): give the same command again, and it goes on from there."
    )


def _words(reason: object) -> str:
    return str(reason.strerror or reason) if isinstance(reason, OSError) else str(reason)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
