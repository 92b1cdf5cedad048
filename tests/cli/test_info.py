"""`isofield info` of folders: a few lines for people, everything as JSON."""

import json
import re

import balls
from isofield.cli.main import main


def test_a_space_lists_its_ids_and_the_length_of_its_code(toy_run, capsys):
    assert main(["info", str(toy_run)]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()[1:])
    assert main(["info", str(toy_run), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert lines["shapes"] == str(len(figures["ids"]))
    assert lines["ids"].startswith("toy/000, toy/001")
    assert lines["code"].split() == ["length", str(figures["code_length"])]
    assert len(lines) < 10


def test_of_many_ids_the_first_are_printed(capsys):
    assert main(["info", "aircraft"]) == 0
    text = capsys.readouterr().out
    assert "held-out loss, median" in text
    assert re.search(r"code length +384", text) and text.count("aircraft/0") == 40
    assert text.endswith("and 320 more (--json lists all)\n")


def test_prepared_samples_are_described_by_what_matters(tmp_path, capsys):
    data = balls.prepared(tmp_path / "data", {"ball": balls.rows_of(0.5, 400), "other": balls.rows_of(0.4, 400)})
    assert main(["info", str(data)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "  shapes     2 (accept 2)" in lines and "  samples    signed" in lines
    assert len(lines) <= 10
    assert main(["info", str(data), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"]["count"] == 400


def test_a_space_without_its_tensors_is_damaged(tmp_path, capsys):
    (tmp_path / "config.json").write_text(
        json.dumps({"format": 1, "kind": "space", "method": "x", "shapes": [], "provenance": {}})
    )
    assert main(["info", str(tmp_path)]) == 2
    assert "is damaged" in capsys.readouterr().err
