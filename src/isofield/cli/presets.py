"""The settings that `--config` names, as the defaults of a command's options."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import tyro

from isofield.configs import DEFAULTS, PRESETS, SpaceConfig, method_of, space_config
from isofield.errors import InputError, did_you_mean

BASE = "base"
"""The key of a file that names the settings which it changes."""


def configured(command: Callable[..., int], method: str, arguments: Sequence[str]) -> Callable[..., int]:
    """The command with the settings that `--config` names as its defaults, and their names as its options.

    Raises InputError for a file that is not there, and for what is no settings of the method.
    """
    name = _named(arguments)
    if name is None:
        return command
    settings = read_settings(method, name)
    hints: dict[str, Any] = get_type_hints(command, include_extras=True)
    hints["settings"] = Annotated[type(settings), tyro.conf.arg(name="")]
    signature = inspect.signature(command)

    @functools.wraps(command)
    def changed(*positional: Any, **options: Any) -> int:
        return command(*positional, **options)

    del changed.__wrapped__  # type: ignore[attr-defined]  # tyro would look at the settings of the command itself
    changed.__annotations__ = hints
    changed.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[
            p.replace(default=settings if p.name == "settings" else p.default, annotation=hints[p.name])
            for p in signature.parameters.values()
        ]
    )
    return changed


def _named(arguments: Sequence[str]) -> str | None:
    """What stands after --config."""
    for place, argument in enumerate(arguments):
        if argument.startswith("--config="):
            return argument.partition("=")[2]
        if argument == "--config" and place + 1 < len(arguments):
            return arguments[place + 1]
    return None


def read_settings(method: str, name: str) -> SpaceConfig:
    """The settings of a method out of a .yaml or .json file, out of DeepSDF's specs.json, or by name."""
    base = DEFAULTS[method]
    if Path(name).suffix not in (".yaml", ".yml", ".json"):
        return _preset(method, name)
    table = _table(Path(name))
    if "NetworkSpecs" in table and method == "deepsdf":
        from isofield.api.specs import translated
        from isofield.cli import output

        settings, ignored = translated(table)
        if ignored:
            output.note(f"{name}: these mean nothing here: {', '.join(ignored)}.")
        return settings
    if BASE in table:
        base = _preset(method, str(table.pop(BASE)))
    try:
        return space_config(method_of(base), table, base)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def _preset(method: str, name: str) -> SpaceConfig:
    known = {one: settings for one, settings in PRESETS.items() if one.startswith(f"{method}-")}
    if name not in known:
        names = f"{', '.join(known)}, or " if known else ""
        raise InputError(
            f"there are no settings {name!r}{did_you_mean(name, known)}: give {names}a .yaml or .json file."
        )
    return known[name]


def _table(path: Path) -> dict[str, Any]:
    import yaml

    if not path.is_file():
        raise InputError(f"There is no file {path}: check the spelling.")
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))  # JSON is YAML
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path} is damaged ({' '.join(str(error).split())[:120]}): see YAML's own rules.") from None
    if not isinstance(table, dict):
        raise InputError(f"{path} holds no settings: give lines of a name, a colon and a value.")
    return {str(key): value for key, value in table.items()}
