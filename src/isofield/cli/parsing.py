"""A typed function or dataclass becomes a command line (tyro); each mistake in it becomes one sentence."""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

import tyro

from isofield.errors import InputError, did_you_mean

CONFIG = (tyro.conf.PositionalMetavarFromFieldName, tyro.conf.DisallowNone, tyro.conf.AvoidSubcommands)
"""Positional arguments are called by their names, and options that may be left out do not offer 'None'."""
Argument = Annotated[Path, tyro.conf.Positional]
Flag = Annotated[bool, tyro.conf.FlagCreatePairsOff]
Out = Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="OUT")]
OutFolder = Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DIR")]
Folder = Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")]
JsonFile = Annotated[Path | None, tyro.conf.arg(metavar="FILE.json", help_behavior_hint="")]
Cells = Annotated[int | None, tyro.conf.arg(metavar="CELLS", help_behavior_hint="")]
Progress = Annotated[bool, tyro.conf.arg(help="Show progress on standard error.")]
Json = Annotated[Flag, tyro.conf.arg(help="Print the results as JSON to standard output.")]
"""Types of arguments and options that several commands have."""
HELP = ("-h", "--help")
VECTOR = re.compile(r"-([xyz]|[\d.][^,]*,.*)")
"""A value that begins with a minus sign: an axis, or numbers with commas."""
T = TypeVar("T")


@dataclass(frozen=True)
class NoSettings:
    """Stands for the settings of a method where none was named: they are not shown."""


def assigned(pairs: Sequence[str]) -> dict[str, Any]:
    """The values of NAME=VALUE by name: numbers, true and false as in JSON, else text. Raises InputError for no =."""
    table: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"{pair!r} has no value: give NAME=VALUE.")
        try:
            table[name] = json.loads(value)
        except ValueError:
            table[name] = value
    return table


def call(command: Callable[..., int], program: str, arguments: Sequence[str]) -> int:
    """Parse arguments for the command's signature and run it.

    Returns the command's exit status, or that of `--help`. Raises InputError for unknown options and invalid values.
    """
    positional, options = arguments_of(command, program, arguments)
    return command(*positional, **options)


def arguments_of(
    command: Callable[..., int], program: str, arguments: Sequence[str]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What a command is called with: its positional and its named arguments.

    Raises InputError for unknown options and invalid values, SystemExit after `--help`.
    """

    # tyro reads the signature; the call itself happens outside of it, so that no error of the work is taken for one of
    # the parsing.
    @functools.wraps(command)
    def keep(*positional: Any, **options: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return positional, options

    return parse(keep, program, arguments)


def parse(
    kind: Callable[..., T], program: str, arguments: Sequence[str], default: T | None = None,
    elsewhere: Mapping[str, str] = MappingProxyType({}),
) -> T:  # fmt: skip
    """Arguments as what a dataclass or function makes of them; default: an instance whose values are the defaults.
    elsewhere: options of other commands, with what to say of each.

    Raises InputError for unknown options and invalid values, SystemExit after `--help`.
    """
    if default is None:
        made = functools.partial(tyro.cli, kind, prog=program, config=CONFIG)
    else:
        made = functools.partial(tyro.cli, kind, prog=program, config=CONFIG, default=default)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            result: T = made(args=_joined(arguments))
    except SystemExit as end:
        if end.code in (0, None):
            raise
        raise InputError(_sentence(said.getvalue(), program, lambda: _options(made), elsewhere)) from None
    return result


def parse_part(kind: type[T], program: str, arguments: Sequence[str]) -> T:
    """Those of the arguments that a dataclass names; all others are left for another parser, `--help` too."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            known, _ = tyro.cli(
                kind, prog=program, config=CONFIG, args=_joined(arguments), return_unknown_args=True, add_help=False
            )
    except SystemExit:
        raise InputError(_sentence(said.getvalue(), program, lambda: [])) from None
    return known


def _joined(arguments: Sequence[str]) -> list[str]:
    """The arguments, with `--up -z` written as `--up=-z`: argparse takes a value that begins with a minus sign for an
    option."""
    result: list[str] = []
    for argument in arguments:
        if VECTOR.fullmatch(argument) and result and re.fullmatch(r"--[a-z][\w.-]*", result[-1]):
            result[-1] += f"={argument}"
        else:
            result.append(argument)
    return result


def wants_help(arguments: Sequence[str]) -> bool:
    """Whether `--help` is among the arguments."""
    return any(argument in HELP for argument in arguments)


def _options(made: Callable[..., Any]) -> list[str]:
    """The options of a parser, out of its own help."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        made(args=["--help"])
    return sorted(set(re.findall(r"(?<![\w-])--[a-z][\w.-]*", text.getvalue())))


def _content(text: str) -> list[str]:
    """The lines inside the box that tyro draws, if it does."""
    inside = [re.sub(r"^[│|]", "", line) for line in text.splitlines() if not re.match(r"[╭╰+]", line)]
    return [line for line in inside if not re.fullmatch(r"[─\- ]*[│|]?", line)]


def _sentence(
    text: str, program: str, options: Callable[[], Sequence[str]], elsewhere: Mapping[str, str] = MappingProxyType({})
) -> str:
    """One of tyro's messages as one sentence; a message of an unknown kind stays as it is, on one line."""
    lines = [line.rstrip("│| ") for line in _content(text)]
    said, help_ = " ".join(" ".join(lines).split()), f"`{program} --help` lists the options"
    if match := re.search(r"(?:Unrecognized|unrecognized)[^:]*: (.+?)(?: For full helptext|$)", said):
        tokens = re.split(r",? +", match.group(1))
        for option in (token.split("=")[0] for token in tokens if token.startswith("-")):
            if option in (known := options()):
                return f"{option} takes no value; {help_}."
            if "." in option and "--method" in known and not any("." in name for name in known):
                return f"'{option}' is a setting of a learned method: name one with --method; {help_}."
            if option in elsewhere:
                return f"there is no option '{option}' here: {elsewhere[option]}."
            return f"there is no option '{option}'{did_you_mean(option, known)}; {help_}."
        return f"'{tokens[0]}' is one argument too many; {help_}."
    if match := re.search(r"invalid choice '(.*?)' for argument '(.*?)'\. Expected one of \((.*?)\)", said):
        known = re.findall(r"'(.*?)'", match.group(3))
        if "None" in known:  # an option that may be left out: tyro has its choices in any order
            known = sorted(name for name in known if name != "None")
        near = did_you_mean(match.group(1), known)
        return f"{_name(match.group(2))} cannot be '{match.group(1)}'{near}; choose among {', '.join(known)}."
    if match := re.search(r"Missing value for argument '(.*?)'", said):
        return f"{_name(match.group(1))} needs a value; {help_}."
    if match := re.search(r"Error parsing (\S+?): (.*?)(?: Argument helptext| For full helptext|$)", said):
        if not match.group(1).startswith("-") and not match.group(1).isupper():
            path = match.group(1).removeprefix("settings").lstrip(".").replace("_", "-")
            return f"--{path}{'.' if path else ''}{match.group(2)}"  # the settings' own sentence begins with a name
        values = re.findall(r"'([^']*)'", match.group(2))
        what = f"be '{values[-1]}'" if values else "have this value"
        return f"{_name(match.group(1))} cannot {what}; {help_} and their values."
    if "Missing from" in said:
        start = next(i for i, line in enumerate(lines) if "Missing from" in line)
        deep = _indent(lines[start + 1])
        listed = itertools.takewhile(lambda line: _indent(line) >= deep, lines[start + 1 :])
        items = [line for line in listed if _indent(line) == deep]
        options_ = [re.findall(r"--[a-z][\w.-]*", item) or [item.split()[0]] for item in items]
        names = [option[-1] for option in options_]
        return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} missing; {help_}."
    return said or f"the arguments cannot be read; {help_}."


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _name(argument: str) -> str:
    """How a person writes an argument: --out, or INPUTS."""
    name = argument.split("/")[-1]
    return name if name.startswith("-") else name.upper()
