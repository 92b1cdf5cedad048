"""`isofield view`: sentences for bad input, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from isofield import io
from isofield.cli.main import main

pytest.importorskip("viser", reason="viser is not installed")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{missing}"], "there is no file"),
        (["{folder}"], "is neither a field nor a space (it has no config.json): give such a folder"),
        (["{mesh}", "--port", "70000"], "the port must be 0 to 65535"),
        (["{mesh}", "--host", "203.0.113.7"], "this machine has no address '203.0.113.7'"),
        (["{mesh}", "--truth", "{mesh}"], "give a field folder, or leave --truth out"),
    ],
)
def test_bad_input_is_a_sentence(arguments, sentence, tmp_path, ball, capsys):
    io.write_mesh(ball, tmp_path / "ball.ply")
    (tmp_path / "empty").mkdir()
    places = {"missing": tmp_path / "no.ply", "folder": tmp_path / "empty", "mesh": tmp_path / "ball.ply"}
    assert main(["view", *(argument.format(**places) for argument in arguments)]) == 2
    assert sentence in capsys.readouterr().err


def test_it_serves_this_machine_until_ctrl_c(tmp_path, ball):
    io.write_mesh(ball, tmp_path / "ball.ply")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "isofield", "view", str(tmp_path / "ball.ply"), "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        link = line.split()[-1]
        assert link.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(link) as answer:
            assert b"<title>" in answer.read()
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=60)
    assert process.returncode == 0 and not out
    assert said.splitlines()[-1] == "The viewer has ended." and "Traceback" not in said
