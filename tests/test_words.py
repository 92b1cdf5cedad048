"""Nothing that a person reads is written in banned words: help, messages, docstrings, README and docs.

A banned word is a private word where the field has one, or an inverted clause where a plain one is shorter. A failure
names file, line and phrase.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from isofield.cli.main import COMMANDS, main
from isofield.configs.methods import METHODS, SPACES, method_names

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "isofield"
ROOMS = sorted({path.relative_to(SOURCE).parts[0] for path in SOURCE.rglob("*.py")})
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

INVERTED = (
    r"of which", r"that which", r"so-manieth", r"(from|of|by|for|to|than) who", r"who has", r"what it lacks",
    r"by so (much|many)", r"so (many|much)", r"the place where", r"left to who", r"has no say", r"where that is so",
    r"for where", r"says? otherwise", r"as it did for", r"of (his|her) own", r"it is that", r"be it that",
    r"what is (known|seen|missing|told|asked|held)", r"what (was|were) (seen|known|told|asked|held)",
    r"best that is known", r"in the (mean|median|middle),", r"none of them is", r"not alike as",
)  # fmt: skip
"""Relative clauses in place of a noun."""
PRIVATE = (
    r"told", r"(is|are|was|were|be|been) (asked|said)", r"(go|goes|gone|going|went) on", r"mend(s|ed|ing)?",
    r"usual", r"known of", r"known (shapes?|ones?)", r"walls? of sheets?", r"made so", r"nobody", r"sureness",
    r"held (shapes?|ones?|bodies|samples?)", r"(are|is|was|were) held(?!.out)", r"the seen",
    r"seen (surface|points?|part)",
    r"(was|were|been) seen", r"stands? (alike|otherwise|as)", r"how (they|it|shapes) (stand|stands|lie|lies)",
    r"(its|their) sides", r"the sides of the points", r"finding the sides", r"(points|normals)' sides",
    r"nearest places?", r"place by place", r"moving pictures?", r"turned over", r"passed over", r"unit slope",
    r"emptiness", r"leash", r"evens out", r"Levenberg and Marquardt", r"numbers of a code", r"by a cosine",
    r"to be had", r"hand(s|ed)? (on|out)", r"feet of", r"among those", r"as good as none", r"so-called",
    r"what the (field|code) holds", r"holds? no (shape|field|mesh|space)", r"put right",
)  # fmt: skip
"""Words of our own in place of the field's: observed, result, logged, resume, repair, median, orientation, position."""
COMPARED = r"(longer|more|less|better|worse|fewer|larger|smaller|shorter)"
NEGATED = rf"(is|are|was|were) (no(?! {COMPARED})|none)"
"""`X is no Y`, where English has `X is not a Y`."""
FRAGMENT = r"(?:(?<=: )|(?<=\. )|(?<=  )|^)Of (?!course)[a-z]+"
"""A description that begins with its own genitive: `Of the grid along each side.`"""


def pattern(*phrases: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    """The phrases as words, over any white space between them."""
    joined = "|".join(f"(?:{phrase})" for phrase in phrases).replace(" ", r"\s+")
    return re.compile(rf"\b(?:{joined})\b", flags)


BANNED = (pattern(*INVERTED, *PRIVATE), re.compile(rf"\b{NEGATED}\b"))
BANNED_IN_CODE = (*BANNED, re.compile(FRAGMENT, re.MULTILINE))


def findings(text: str, where: str, line: int, patterns: tuple[re.Pattern[str], ...]) -> list[str]:
    """`file:line: 'phrase'` for every banned phrase of a text that begins at that line."""
    text = re.sub(r"\b([Tt]here\s+)(is|are|was|were)\b", r"\1has", text)  # "there is no" is English
    return [
        f"{where}:{line + text.count(chr(10), 0, match.start())}: {' '.join(match.group().split())!r}"
        for each in patterns
        for match in each.finditer(text)
    ]


def literal(node: ast.AST) -> str:
    """The text of a string or an f-string, {} for what is filled in; "" for anything else."""
    if isinstance(node, ast.JoinedStr):
        return "".join(literal(part) or "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def docstrings(tree: ast.AST) -> Iterator[ast.AST]:
    """Strings that stand alone: docstrings of modules, classes and functions, and of the names above them."""
    return (
        node.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def messages(tree: ast.AST) -> Iterator[ast.AST]:
    """Strings in the arguments of exceptions that a person sees, and of warnings."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name.endswith(("Error", "Damage")) or name in ("warn", "say", "note"):
            inside: set[int] = set()
            for node in (node for argument in call.args for node in ast.walk(argument)):
                if isinstance(node, ast.JoinedStr):
                    inside |= {id(part) for part in node.values}
                if id(node) not in inside and literal(node):
                    yield node


def in_room(room: str, kind: str) -> list[str]:
    """Banned phrases of a room's docstrings or messages."""
    found = []
    files = [SOURCE / room] if room.endswith(".py") else sorted((SOURCE / room).rglob("*.py"))
    for path in files:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in docstrings(tree) if kind == "docstrings" else messages(tree):
            found += findings(literal(node), str(path.relative_to(ROOT)), node.lineno, BANNED_IN_CODE)
    return found


def test_a_banned_phrase_is_found_with_its_line():
    text = "The mesh\nis no mesh, of\nwhich. There is no mesh; it is no longer open. Held out: 8."
    assert findings(text, "a.md", 5, BANNED) == ["a.md:6: 'of which'", "a.md:6: 'is no'"]
    assert findings("cells: Of the grid.\nsteps: 8", "a.py", 1, BANNED_IN_CODE) == ["a.py:1: 'Of the'"]
    error = ast.parse("raise InputError(f'{path} is told' + 'so many')")
    assert [literal(node) for node in messages(error)] == ["{} is told", "so many"]


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("kind", ["docstrings", "messages"])
def test_words_of_the_source(room, kind):
    found = in_room(room, kind)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("page", [str(path.relative_to(ROOT)) for path in PAGES])
def test_words_of_the_docs(page):
    found = findings((ROOT / page).read_text(encoding="utf-8"), page, 1, BANNED)
    assert not found, "\n".join(found)


def command_lines() -> list[str]:
    """Every command, and `fit` and `train` with the settings of every method."""
    fits = [f"fit --method {name}" for name in method_names(METHODS)]
    return [*COMMANDS, *fits, *(f"train {name}" for name in method_names(SPACES))]


@pytest.mark.parametrize("command", ["", *command_lines()])
def test_words_of_the_help(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    assert main([*command.split(), "--help"]) == 0
    text = capsys.readouterr().out.replace("│", " ")
    found = findings(text, f"isofield {command} --help", 1, BANNED_IN_CODE)
    assert not found, "\n".join(found)
