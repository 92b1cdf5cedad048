"""What every command does with input that it cannot use."""

from __future__ import annotations

from pathlib import Path

from isofield.cli.main import main


def refused(arguments: list[str], folder: Path, message: str, capsys) -> None:
    """Exit status 2, one sentence that holds `message`, no traceback, and nothing in `folder` is written or touched."""
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert main(arguments) == 2
    text = capsys.readouterr().err
    assert message in text
    assert "Traceback" not in text
    assert len([part for part in text.splitlines() if part.startswith("error: ")]) == 1
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
