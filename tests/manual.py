"""The pages of the manual, and the commands that they show."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
SHELL = ("", "sh", "bash", "console")
"""Languages of fences whose lines are commands."""


@dataclass(frozen=True)
class Block:
    """Lines of a page that stand together. language: of the fence; "indented" without one, "inline" in text."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        """page:line"""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def commands(self, program: str = "isofield") -> list[list[str]]:
        """The words of every command of a program, without comments; lines of a fence and of an indented block."""
        found = []
        for line in self.text.replace("\\\n", " ").splitlines():
            if line.startswith(f"{program} ") or line == program:
                found.append(shlex.split(line, comments=True)[1:])
        return found


def blocks(page: Path) -> list[Block]:
    """The fences of a page, its indented lines, and the code within its text."""
    found: list[Block] = []
    rest: list[str] = []
    text = page.read_text(encoding="utf-8")
    language, begun, lines = None, 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        fence = re.match(r"```(\w*)", line)
        if fence and language is None:
            language, begun, lines = fence[1], number, []
        elif fence:
            found.append(Block(page, begun, str(language), "\n".join(lines)))
            language = None
        elif language is not None:
            lines.append(line)
        elif line.startswith("    "):
            if found and found[-1].language == "indented" and found[-1].line + found[-1].text.count("\n") == number - 1:
                last = found.pop()
                found.append(Block(page, last.line, "indented", f"{last.text}\n{line.strip()}"))
            else:
                found.append(Block(page, number, "indented", line.strip()))
        rest.append("" if fence or language is not None or line.startswith("    ") else line)
    for match in re.finditer(r"(?<!`)`([^`]+)`(?!`)", "\n".join(rest)):
        line = "\n".join(rest).count("\n", 0, match.start()) + 1
        found.append(Block(page, line, "inline", " ".join(match[1].replace(r"\|", "|").split())))
    return found


def shell_blocks() -> list[Block]:
    """Every block of commands of every page."""
    return [block for page in PAGES for block in blocks(page) if block.language in (*SHELL, "indented")]
