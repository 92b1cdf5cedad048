"""Files from a server: whole or not at all, and every failure is one sentence."""

import errno
import hashlib
import json
import os
import re
import resource
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

import isofield
from isofield.cli.main import main
from isofield.datasets.registry import ELSEWHERE, SOURCES, File, Source

CONTENT = bytes(range(256)) * 1200  # 307 200 bytes: several blocks


class Server(ThreadingHTTPServer):
    """Serves CONTENT as /a/b.npz and /a/c.ply. cut: the answer ends after this many bytes."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.cut, self.content, self.requests = None, CONTENT, 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        self.server.requests += 1
        if not self.path.startswith("/a/"):
            return self.send_error(503 if "busy" in self.path else 404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content[: self.server.cut])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    """A server, and a source called `pair` in the table, with two files there."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as serving:
        thread = Thread(target=serving.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        monkeypatch.setitem(SOURCES, "pair", pair(f"http://127.0.0.1:{serving.server_port}/a"))
        yield serving
        serving.shutdown()
        thread.join()


def pair(root: str, content: bytes = CONTENT) -> Source:
    known = len(content), hashlib.sha256(content).hexdigest()
    files = (File("b.npz", f"{root}/b.npz", *known), File("deep/c.ply", f"{root}/c.ply", *known))
    return Source("pair", "two files", "CC0 1.0", files)


def left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def refused(capsys, *arguments: str) -> str:
    """What the command line says to a mistake: one sentence after what it shows of the source."""
    assert main(["fetch", *arguments, "--no-progress"]) == 2
    captured = capsys.readouterr()
    said = captured.err.splitlines()
    assert captured.out == "" and said[-1].startswith("error: ") and said[-1].endswith(".")
    assert not any(line.startswith("error") for line in said[:-1])
    return said[-1]


def test_files_come_whole_and_are_shown_before(server, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["fetch", "pair", "-o", str(out), "--no-progress"]) == 0
    assert left(out) == ["b.npz", "deep/c.ply"]
    assert all((out / name).read_bytes() == CONTENT for name in left(out))
    said = capsys.readouterr().err
    digest = hashlib.sha256(CONTENT).hexdigest()
    for shown in ("two files", "0.61 MB", "licence: CC0 1.0", f"b.npz  307200 bytes  SHA-256 {digest}"):
        assert shown in said
    assert f"next: isofield prepare {out} {out}-samples" in said


def test_what_is_whole_stays_and_is_not_asked_for_again(server, tmp_path):
    first = isofield.fetch("pair", tmp_path)
    before = [path.stat().st_mtime_ns for path in first]
    assert isofield.fetch("pair", tmp_path) == first == [tmp_path / "b.npz", tmp_path / "deep/c.ply"]
    assert [path.stat().st_mtime_ns for path in first] == before and server.requests == 2
    first[1].unlink()
    isofield.fetch("pair", tmp_path)
    assert server.requests == 3 and first[1].read_bytes() == CONTENT


def test_the_folder_is_called_as_the_source(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert isofield.fetch("pair")[0] == Path("pair/b.npz")


def test_a_cut_connection_leaves_nothing(server, tmp_path, capsys):
    server.cut = 100_000
    sentence = refused(capsys, "pair", "-o", str(tmp_path))
    assert "was cut before the end of b.npz (307200 bytes)" in sentence and "same command again" in sentence
    assert left(tmp_path) == []
    server.cut, heard = None, []
    isofield.fetch("pair", tmp_path, progress=lambda file, size: heard.append((file.path, size)))
    assert left(tmp_path) == ["b.npz", "deep/c.ply"] and (tmp_path / "b.npz").read_bytes() == CONTENT
    assert heard[0] == ("b.npz", 65536) and heard[-1] == ("deep/c.ply", 307_200)


def test_an_interrupted_run_leaves_whole_files_alone(server, tmp_path):
    def stop(file, size):
        if file.path == "deep/c.ply" and size > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        isofield.fetch("pair", tmp_path, progress=stop)
    assert left(tmp_path) == ["b.npz"] and (tmp_path / "b.npz").read_bytes() == CONTENT
    isofield.fetch("pair", tmp_path)
    assert server.requests == 3 and left(tmp_path) == ["b.npz", "deep/c.ply"]


@pytest.mark.parametrize("content", [CONTENT[::-1], CONTENT[:-1], CONTENT + b"x", CONTENT * 9])
def test_a_file_that_has_changed_is_removed(server, tmp_path, capsys, content):
    server.content = content
    assert "has other bytes than the registry" in refused(capsys, "pair", "-o", str(tmp_path))
    assert left(tmp_path) == []


def test_what_is_not_there_and_who_does_not_answer(server, tmp_path, capsys, monkeypatch):
    root = SOURCES["pair"].files[0].url[: -len("/a/b.npz")]
    monkeypatch.setitem(SOURCES, "gone", pair(f"{root}/nowhere"))
    assert "b.npz no longer exists (HTTP 404)" in refused(capsys, "gone", "-o", str(tmp_path / "out"))
    monkeypatch.setitem(SOURCES, "busy", pair(f"{root}/busy"))
    assert "127.0.0.1 refuses http" in refused(capsys, "busy", "-o", str(tmp_path / "out"))
    monkeypatch.setitem(SOURCES, "dead", pair("http://127.0.0.1:1/a"))
    assert "127.0.0.1 cannot be reached (Connection refused)" in refused(capsys, "dead", "-o", str(tmp_path / "out"))
    monkeypatch.setitem(SOURCES, "lost", pair("http://nowhere.invalid/a"))
    assert "nowhere.invalid cannot be reached" in refused(capsys, "lost", "-o", str(tmp_path / "out"))
    assert left(tmp_path) == []


@pytest.mark.parametrize("content", [b"mine", CONTENT[::-1]])
def test_another_file_is_never_overwritten(server, tmp_path, capsys, content):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/c.ply").write_bytes(content)
    assert "c.ply exists and is not the file of" in refused(capsys, "pair", "-o", str(tmp_path))
    assert left(tmp_path) == ["deep/c.ply"] and (tmp_path / "deep/c.ply").read_bytes() == content
    assert server.requests == 0


def test_where_nothing_can_be_written(server, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert "is a file, not a folder" in refused(capsys, "pair", "-o", str(tmp_path / "file/out"))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        sentence = refused(capsys, "pair", "-o", str(tmp_path / "full"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert f"b.npz cannot be written ({os.strerror(errno.EFBIG)})" in sentence
    assert left(tmp_path / "full") == []


def test_names(capsys, tmp_path):
    assert "no data set 'spto', perhaps you meant 'spot'" in refused(capsys, "spto", "-o", str(tmp_path / "out"))
    assert "perhaps" not in refused(capsys, "qqqqqqqq")
    sentence = refused(capsys, "shapenet", "-o", str(tmp_path / "out"))
    assert "https://shapenet.org" in sentence and "isofield prepare" in sentence and "02691156" in sentence
    assert list(tmp_path.iterdir()) == []


def test_the_list_has_all_names(capsys):
    assert main(["fetch"]) == 0
    text = capsys.readouterr().out
    for source in SOURCES.values():
        assert f"  {source.name} " in text and source.licence in text
    for other in ELSEWHERE.values():
        assert f"  {other.name} " in text and other.address in text and other.folder in text
    assert main(["fetch", "--json"]) == 0
    join_names = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in join_names["fetched"]] == list(SOURCES)
    assert [row["name"] for row in join_names["elsewhere"]] == list(ELSEWHERE)


def test_json_has_the_files(server, tmp_path, capsys):
    assert main(["fetch", "pair", "-o", str(tmp_path), "--json", "--no-progress"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["files"] == [str(tmp_path / "b.npz"), str(tmp_path / "deep/c.ply")]
    assert figures["bytes"] == 2 * len(CONTENT) and figures["licence"] == "CC0 1.0"


@pytest.mark.parametrize("name", SOURCES)
def test_every_entry_is_pinned_and_whole(name):
    source = SOURCES[name]
    assert source.name == name and source.what and source.licence and source.files
    assert len({file.path for file in source.files}) == len(source.files)
    for file in source.files:
        assert re.fullmatch(r"https://raw\.githubusercontent\.com/[\w.-]+/[\w.-]+/[0-9a-f]{40}/[\w./-]+", file.url)
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256) and file.size > 0
        path = Path(file.path)
        assert path.suffix and not path.is_absolute() and ".." not in path.parts


def test_names_are_one_each():
    assert not set(SOURCES) & set(ELSEWHERE)
    for other in ELSEWHERE.values():
        assert other.address.startswith("https://") and other.licence and other.how and other.folder


COPIES = {"bunny-scan": "scans/stanford", "gargoyle": "scans", "deepsdf-aircraft": "deepsdf", "abc-part": "scans/abc"}


@pytest.mark.parametrize("name", SOURCES)
def test_the_table_agrees_with_the_copies_at_hand(data, name):
    for file in SOURCES[name].files:
        known = file.path.replace(".ply", ".gt.ply") if name == "abc-part" else file.path
        content = (data / COPIES.get(name, "meshes") / known).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)
