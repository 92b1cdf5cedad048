"""Downloads of public data sets (pooch): a file takes its name only after its SHA-256 matches."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from isofield import __version__
from isofield.datasets.registry import ELSEWHERE, SOURCES, File, Source
from isofield.errors import InputError, did_you_mean
from isofield.files import atomic_write, check_output, os_reason

Progress = Callable[[File, int], None]
"""(a file, number of its bytes that have arrived)"""
TIMEOUT = 30.0
"""Seconds without a byte after which a connection is given up."""
CHUNK = 1 << 16
"""Bytes between two reports of the progress."""


def find_source(name: str) -> Source:
    """The files that can be downloaded by this name.

    Raises InputError for an unknown name, and for data that people have to request themselves, with the address.
    """
    if name in SOURCES:
        return SOURCES[name]
    if name in ELSEWHERE:
        other = ELSEWHERE[name]
        raise InputError(
            f"{name} ({other.what}; {other.licence}) cannot be downloaded from here: go to {other.address}, "
            f"{other.how}, and give `isofield prepare` its folder, {other.folder}."
        )
    near = did_you_mean(name, [*SOURCES, *ELSEWHERE])
    raise InputError(f"there is no data set '{name}'{near}: `isofield fetch` lists all names.")


def fetch(name: str, out: str | os.PathLike[str] | None = None, *, progress: Progress | None = None) -> list[Path]:
    """Downloads the files of a name in `datasets.registry` into the folder `out` (by default named alike), and returns
    their paths. Files that are complete stay. progress: called as the bytes of a file arrive.

    Raises InputError for an unknown name, an existing file with other content, a missing network, a server that
    refuses, sends other bytes or cuts the connection, and where the system refuses to write.
    """
    source = find_source(name)
    folder = Path(source.name if out is None else out)
    paths = {folder / file.path: file for file in source.files}
    missing = {path: file for path, file in paths.items() if not _is_complete(path, file)}
    for path in missing:
        check_output(path, (path.suffix[1:],))
    for path, file in missing.items():
        _download(file, path, progress)
    return list(paths)


def _is_complete(path: Path, file: File) -> bool:
    """Whether a file exists with the right content. Raises InputError where it exists with other content."""
    import pooch

    try:
        if not os.path.lexists(path):
            return False
        if pooch.file_hash(str(path)) == file.sha256:
            return True
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({os_reason(error)}): move it away, or choose another folder."
        ) from None
    raise InputError(f"{path} exists and is not the file of {file.url}: move it away, or choose another folder.")


@dataclass
class _Counter:
    """What pooch takes for a progress bar: counts the bytes, and stops at a server that sends too many."""

    file: File
    progress: Progress | None
    received: int = 0
    total: int = 0

    def update(self, number: int) -> None:
        self.received += number
        if self.received - CHUNK >= self.file.size:
            raise _Changed
        if self.progress is not None:
            self.progress(self.file, min(self.received, self.file.size))

    def reset(self) -> None:
        self.received = 0

    def close(self) -> None:
        pass


class _Changed(Exception):
    """The server sends bytes that differ from the registry's."""


def _download(file: File, path: Path, progress: Progress | None) -> None:
    """Downloads one file, checks it, and moves it into place."""
    import pooch
    import requests

    host = urlsplit(file.url).hostname
    agent = {"User-Agent": f"isofield/{__version__}"}
    loader = pooch.HTTPDownloader(_Counter(file, progress), CHUNK, timeout=TIMEOUT, headers=agent)
    with atomic_write(path) as part:
        try:
            loader(file.url, str(part), None)
            if pooch.file_hash(str(part)) != file.sha256:
                raise _Changed
        except _Changed:
            raise InputError(
                f"{file.url} has other bytes than the registry of isofield (SHA-256 {file.sha256[:12]}...) and was "
                "removed: try once more, and report it if it stays so."
            ) from None
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else 0
            if status in (404, 410):
                raise InputError(f"{file.url} no longer exists (HTTP {status}): report it.") from None
            raise InputError(f"{host} refuses {file.url} (HTTP {status}): try again later.") from None
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
            raise InputError(
                f"The connection to {host} was cut before the end of {file.path} ({file.size} bytes): use the same "
                "command again."
            ) from None
        except requests.RequestException as error:
            raise InputError(
                f"{host} cannot be reached ({_reason(error)}): use the command where there is a network, and copy the "
                "files."
            ) from None


def _reason(error: BaseException) -> str:
    """The operating system's reason of an error of requests, else the kind of the error."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror
        inner = inner.__cause__ or inner.__context__
    return type(error).__name__
