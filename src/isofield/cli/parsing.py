"""A typed function becomes a command line (tyro); each mistake in it becomes one sentence."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields, is_dataclass
from typing import Any

import tyro

from isofield.errors import InputError, did_you_mean

HELP = (tyro.conf.PositionalMetavarFromFieldName, tyro.conf.DisallowNone)
"""Positional arguments are called by their names, and options that may be left out do not offer 'None'."""


def call(command: Callable[..., int], program: str, arguments: Sequence[str]) -> int:
    """Parse arguments for the command's signature and run it.

    Returns the command's exit status, or that of `--help`. Raises InputError for unknown options and unfit values.
    """
    parsed: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    # tyro reads the signature; the call itself happens outside of it, so that no error of the work is taken for one of
    # the parsing.
    @functools.wraps(command)
    def keep(*positional: Any, **options: Any) -> None:
        parsed.append((positional, options))

    try:
        with _sentences(command):
            tyro.cli(keep, prog=program, args=list(arguments), config=HELP)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    positional, options = parsed[0]
    return command(*positional, **options)


def _sentences(command: Callable[..., int]) -> AbstractContextManager[None]:
    """While this holds, what tyro refuses raises InputError with one sentence instead of printing a box.

    tyro offers the hook in a module that it calls unstable: without it, its own messages appear (exit status 2, too).
    """
    try:
        from tyro._errors import on_parse_error
    except ImportError:
        return nullcontext()
    return on_parse_error(functools.partial(_refuse, _options(command)))


def _options(command: Callable[..., int]) -> list[str]:
    """The options that a command's signature makes."""
    parameters = inspect.signature(command).parameters
    held = [field.name for p in parameters.values() if is_dataclass(p.default) for field in fields(p.default)]
    names = [name.replace("_", "-") for name in (*parameters, *held)]
    flags = [name for name, p in parameters.items() if p.default is True]
    return [f"--{name}" for name in names] + [f"--no-{name.replace('_', '-')}" for name in flags]


def _refuse(options: list[str], event: Any) -> None:
    """Raise InputError for one of tyro's parse events; return for kinds that are not known here."""
    kind, help_ = type(event).__name__, f"`{event.prog} --help` lists the options"
    unknown = {"UnrecognizedArgs": "tokens", "MissingArgs": "unrecognized_tokens"}.get(kind)
    tokens = getattr(event, unknown) if unknown else []
    for token in [token for token in tokens if token.startswith("-")]:
        option = token.split("=")[0]
        raise InputError(f"there is no option '{option}'{did_you_mean(option, options)}; {help_}.")
    if tokens:
        raise InputError(f"'{tokens[0]}' is one argument too many; {help_}.")
    if kind == "MissingArgs":
        names = [_name(missing.arg) for missing in event.missing_arguments]
        raise InputError(f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} missing; {help_}.")
    if kind == "InvalidChoice":
        known = list(event.choices)
        if "None" in known:  # an option that may be left out: tyro puts its choices in any order
            known = sorted(choice for choice in known if choice != "None")
        near, all_ = did_you_mean(event.value, known), ", ".join(known)
        raise InputError(f"{_name(event.argument)} cannot be '{event.value}'{near}; choose among {all_}.")
    if kind == "BadValue":
        raise InputError(f"{_name(event.argument)} needs a value; {help_}.")
    if kind == "InstantiationFailure" and event.argument is not None:
        values = re.findall(r"'([^']*)'", event.message)
        what = f"be '{values[-1]}'" if values else "have this value"
        raise InputError(f"{_name(event.argument)} cannot {what}; {help_} and what they take.")


def _name(argument: Any) -> str:
    """How a person writes an argument: --out, or INPUTS."""
    name = argument.display_name()
    return name.upper() if argument.is_positional() else name.split("/")[-1]
