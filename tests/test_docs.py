"""The manual: its links lead to files, its commands parse, and its index and its reference are complete."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

import isofield
from isofield.cli import fit, train
from isofield.cli.main import COMMANDS
from isofield.cli.parsing import arguments_of
from isofield.configs.methods import BUILT_IN
from isofield.errors import InputError
from manual import PAGES, ROOT, SHELL, blocks, shell_blocks


def name_of(page: Path) -> str:
    """The page as the tests name it."""
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files(page):
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not missing


def test_every_page_of_the_manual_is_in_its_index():
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / target).resolve() for target in re.findall(r"\]\(([^)#\s]+)", index.read_text())}
    pages = {page for page in (ROOT / "docs").rglob("*.md") if "adr" not in page.parts and page != index}
    assert pages <= linked


@pytest.mark.parametrize("name", [name for group in BUILT_IN.values() for name in group])
def test_every_method_has_a_page(name):
    pages = {page.stem: page.read_text() for page in (ROOT / "docs" / "methods").glob("*.md")}
    assert name in ("auto", *pages) or any(name in page.splitlines()[0].split() for page in pages.values())


def parse(words: list[str]) -> None:
    """Parses a command line of isofield with its own parser, and runs nothing."""
    command, *arguments = words
    assert command in COMMANDS, command
    if command == "train":
        train.options_of(arguments[0], arguments[1:])
    elif command == "fit":
        fit.options_of(arguments)
    else:
        function = getattr(import_module(f"isofield.cli.{command}"), command)
        arguments_of(function, f"isofield {command}", arguments)


def with_files(page: Path, folder: Path) -> None:
    """Writes the files of settings that a page shows, named in their first lines, into a folder."""
    for block in blocks(page):
        if block.language == "yaml" and (name := re.match(r"# (\S+\.yaml):", block.text)):
            (folder / name[1]).write_text(block.text, encoding="utf-8")


SHOWN = {page: [block for block in blocks(page) if block.language in (*SHELL, "indented")] for page in PAGES}


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.commands() for b in SHOWN[page])], ids=name_of)
def test_every_command_parses(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("base: deepsdf-mlp\n")
    with_files(page, tmp_path)
    for block in SHOWN[page]:
        for words in block.commands():
            try:
                parse(words)
            except InputError as error:
                pytest.fail(f"{block.name}: isofield {' '.join(words)}: {error}")


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=name_of)
def test_every_command_within_the_text_parses(page, tmp_path, monkeypatch):
    """A part of a command line may lack what is required; nothing in it may be unknown."""
    monkeypatch.chdir(tmp_path)
    with_files(page, tmp_path)
    wrong = []
    for block in blocks(page):
        text = block.text
        if block.language == "yaml":
            text = text.splitlines()[0].partition(": ")[2]
        elif block.language != "inline":
            continue
        if not text.startswith("isofield ") or re.search(r"\.\.\.|\b(COMMAND|METHOD|NAME)\b", text):
            continue
        words = shlex.split(text)[1:]
        if words[0].startswith("-"):
            continue
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
                if words[1:]:
                    parse(words)
                else:
                    assert words[0] in COMMANDS, block.name
        except InputError as error:
            if not re.search(r"(is|are) missing;|needs a value;", str(error)):
                wrong.append(f"{block.name}: {text}: {error}")
    assert not wrong, "\n".join(wrong)


def test_every_script_and_target_that_is_shown_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wrong = []
    for block in shell_blocks():
        wrong += [f"{block.name}: make {words[0]}" for words in block.commands("make") if words[0] not in targets]
        for script, arguments in re.findall(r"((?:benchmarks|examples|tools)/\w+\.py)([^#\n]*)", block.text):
            if not (ROOT / script).is_file():
                wrong.append(f"{block.name}: {script}")
                continue
            source = (ROOT / script).read_text(encoding="utf-8")
            unknown = [o for o in re.findall(r"(--[a-z][\w-]*)", arguments) if f'"{o}"' not in source]
            wrong += [f"{block.name}: {script} {option}" for option in unknown]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_of_the_manual_compiles_and_its_names_exist(page):
    for block in blocks(page):
        if block.language != "python":
            continue
        compile(block.text, block.name, "exec")
        for name in re.findall(r"(?<![\w.])isofield\.((?:\w+\.)*\w+)", block.text):
            value = isofield
            for part in name.split("."):
                value = getattr(value, part, None) or import_module(f"{value.__name__}.{part}")


def test_the_reference_has_every_public_name():
    shown = re.findall(r"^::: isofield\.(\w+)$", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE)
    assert sorted(shown) == sorted(name for name in isofield.__all__ if not name.startswith("_"))


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "methods").glob("*.md")), ids=name_of)
def test_the_page_of_a_method_says_what_a_person_needs(page):
    """Where it comes from, what it is good and bad for, a command to begin with, and what differs from the paper."""
    text = page.read_text()
    assert "**Source" in text
    assert re.search(r"\*\*When to take (it|them)\.\*\*|## Good for, bad for", text)
    assert re.search(r"\*\*(Not for|What it is not for)\.\*\*|## Good for, bad for", text)
    assert any(block.commands() for block in shell_blocks() if block.page == page)
    assert re.search(r"## Differences|What (differs|`.*` adds)|\*\*Source\.\*\* (No paper|Principal)|## Limits", text)
