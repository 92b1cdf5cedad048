"""Pages by the command line."""

import pytest

from isofield import io
from isofield.cli.main import main


def test_a_mesh_and_a_table_give_a_page(tmp_path, ball, monkeypatch, capsys):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    monkeypatch.chdir(tmp_path)
    io.write_mesh(ball, tmp_path / "ball.ply")
    (tmp_path / "table.csv").write_text("name,shapes,seeds,training_seconds\nlinear,8,1,45.5\n")
    assert main(["report", "ball.ply", "table.csv", "-o", "page.html", "--no-progress"]) == 0
    page = (tmp_path / "page.html").read_text()
    assert "45.5" in page and "320" in page and page.lstrip().lower().startswith("<!doctype html")
    assert "page.html" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content"),
    [("cut.ply", "ply\nformat ascii 1.0\n"), ("cut.json", "{"), ("other.csv", "a,b\n1,2\n"), ("gone.ply", None)],
)
def test_a_broken_input_is_named_and_nothing_is_written(tmp_path, monkeypatch, capsys, name, content):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / name).write_text(content)
    assert main(["report", name, "-o", "page.html", "--no-progress"]) == 2
    error = capsys.readouterr().err.strip()
    assert name in error and error.count("\n") == 0 and error.endswith(".")
    assert {path.name for path in tmp_path.iterdir()} <= {name}
