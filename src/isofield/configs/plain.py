"""Settings out of plain data: what a file, a folder of a space or a command line holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from isofield.configs.spaces import DEFAULTS, SpaceConfig
from isofield.errors import InputError, did_you_mean


def space_config(method: str, settings: Mapping[str, Any], base: SpaceConfig | None = None) -> SpaceConfig:
    """The settings of a method that learns a space, out of plain data; what is not named is as in `base`.

    Raises InputError for unknown names and for values that do not fit, KeyError for an unknown method.
    """
    made: SpaceConfig = _settled(base or type(DEFAULTS[method])(), settings, "")
    return made


def _settled(base: Any, settings: Mapping[str, Any], above: str) -> Any:
    """A dataclass with some of its fields replaced by plain data; above: what its own name begins with."""
    known, values = {f.name: getattr(base, f.name) for f in fields(base)}, {}
    kinds = get_type_hints(type(base))
    for name, value in settings.items():
        if name not in known:
            raise InputError(
                f"there is no setting '{above}{name}'{did_you_mean(str(name), known)}; take --help's names."
            )
        try:
            values[name] = _as(kinds[name], value, known[name], f"{above}{name}.")
        except InputError:  # of a setting within
            raise
        except (TypeError, ValueError):
            raise InputError(f"the setting '{above}{name}' cannot be {value!r}: see what --help says of it.") from None
    return replace(base, **values)


def _as(kind: Any, value: Any, before: Any, above: str) -> Any:
    """Plain data as the type of a field. Raises TypeError or ValueError where they are no such thing."""
    if is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise TypeError
        return _settled(before, value, above)
    if get_origin(kind) is tuple:
        if not isinstance(value, (list, tuple)):
            raise TypeError
        return tuple(_as(get_args(kind)[0], one, None, above) for one in value)
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise ValueError
        return value
    if kind is bool:
        if not isinstance(value, bool):
            raise TypeError
        return value
    if kind is int:
        if isinstance(value, bool) or int(value) != float(value):
            raise ValueError
        return int(value)
    if kind is float:
        if isinstance(value, bool) or math.isnan(float(value)):
            raise TypeError
        return float(value)  # YAML takes 5e-4, without a point, for a word
    if not isinstance(value, kind):
        raise TypeError
    return value
