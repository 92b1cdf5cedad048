"""Which methods there are, and the settings that a name or a file stands for.

Built-in methods and those of other packages are declared alike: a name, and where its `MethodSpec` is, "module:object".
Another package names its own as an entry point of the group `isofield.methods` (they fit one shape) or
`isofield.spaces` (they learn a space of shapes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from isofield.configs.common import INITS, NETWORKS, QUALITIES, Init, MethodSpec, NetworkKind, Quality
from isofield.errors import InputError, MissingPartError, did_you_mean, with_article

METHODS, SPACES = "isofield.methods", "isofield.spaces"
"""Groups of entry points."""
_OTHER = {METHODS: SPACES, SPACES: METHODS}
HERE = "isofield.configs"
BUILT_IN: Mapping[str, Mapping[str, str]] = {
    METHODS: {
        "auto": f"{HERE}.ssd:SSD",  # the best for its seconds (docs/adr/0004)
        "ssd": f"{HERE}.ssd:SSD",
        "triangles": f"{HERE}.triangles:TRIANGLES",
        "ssd-siren": f"{HERE}.ssd:SSD_SIREN",
        "neural-pull": f"{HERE}.neural_pull:NEURAL_PULL",
        "cap-udf": f"{HERE}.cap_udf:CAP_UDF",
        "sald": f"{HERE}.sald:SALD",
        "sal": f"{HERE}.sald:SAL",
        "igr": f"{HERE}.igr:IGR",
        "siren": f"{HERE}.siren:SIREN",
        "sdf-regression": f"{HERE}.sdf_regression:SDF_REGRESSION",
    },
    SPACES: {
        "linear": f"{HERE}.linear:LINEAR",
        "pca-mlp": f"{HERE}.pca_mlp:PCA_MLP",
        "deepsdf": f"{HERE}.deepsdf:DEEPSDF",
        "sald": f"{HERE}.sald_space:SALD",
        "sal": f"{HERE}.sald_space:SAL",
        "neural-pull": f"{HERE}.neural_pull_space:NEURAL_PULL",
        "image-codes": f"{HERE}.image_codes:IMAGE_CODES",
        "neural-pull-image": f"{HERE}.neural_pull_image:NEURAL_PULL_IMAGE",
        "metasdf": f"{HERE}.metasdf:METASDF",
        "metasdf-surface": f"{HERE}.metasdf:METASDF_SURFACE",
        "meta-linear": f"{HERE}.metasdf:META_LINEAR",
        "metasdf-2d": f"{HERE}.metasdf:METASDF_2D",
        "metasdf-image": f"{HERE}.metasdf:METASDF_IMAGE",
        "hypernet": f"{HERE}.hypernet:HYPERNET",
        "hypernet-2d": f"{HERE}.hypernet:HYPERNET_2D",
        "concat": f"{HERE}.concat:CONCAT",
        "concat-2d": f"{HERE}.concat:CONCAT_2D",
        "occupancy": f"{HERE}.occupancy:OCCUPANCY",
        "cnp": f"{HERE}.cnp:CNP",
        "cnp-2d": f"{HERE}.cnp:CNP_2D",
    },
}
"""What comes with isofield, by group and name."""
FILES = (".yaml", ".yml", ".json")
"""What files of settings end in."""
BASE = "base"
"""The key of a settings file that names the preset, or the other file, that it changes."""


def method_names(group: str = METHODS) -> tuple[str, ...]:
    """Names of the methods of a group: those that come with isofield, then those of other packages."""
    own = BUILT_IN[group]
    return (*own, *sorted({point.name for point in entry_points(group=group)} - set(own)))


def find_method(name: str, group: str = METHODS) -> MethodSpec:
    """What the method of this name declares. Raises InputError for an unknown name and one that cannot be loaded."""
    own = BUILT_IN[group]
    points = [EntryPoint(name, own[name], group)] if name in own else [*entry_points(group=group, name=name)]
    if not points:
        names = method_names(group)
        other = _OTHER[group]
        if name in method_names(other):
            raise InputError(f"'{name}' is a method of {_command(name, other)}; here choose among {', '.join(names)}.")
        near = did_you_mean(name, names)
        raise MissingPartError(f"there is no method '{name}'{near}; choose among {', '.join(names)}.")
    try:
        spec = points[0].load()
        if not isinstance(spec, MethodSpec):
            raise TypeError(f"{with_article(type(spec).__name__)} is not a MethodSpec")
        spec.settings()
    except Exception as error:  # whatever another package raises
        remedy = "install isofield again" if name in own else "fix or remove its package"
        raise InputError(
            f"method {name!r} of {points[0].value} cannot be loaded ({type(error).__name__}: {error}): {remedy}."
        ) from error
    return spec


def _command(method: str, group: str) -> str:
    """The command that takes a method."""
    return f"`isofield train {method}`" if group == SPACES else f"`isofield fit --method {method}`"


def method_of(config: object, group: str = METHODS) -> str:
    """The name of the method with this class of settings. Raises InputError for any other class."""
    for name in method_names(group):
        if name != "auto" and find_method(name, group).config is type(config):
            return name
    raise InputError(
        f"{with_article(type(config).__name__)} is not the settings of a method: give one of isofield.configs."
    )


def choose(method: str, quality: Quality, init: Init = "oriented", network: NetworkKind | None = None) -> Any:
    """The settings of a method that fits one shape. Raises InputError for what is unknown or does not fit."""
    for option, value, choices in (("quality", quality, QUALITIES), ("init", init, INITS)):
        if value not in choices:
            raise InputError(f"{option} {value!r} is unknown: take one of {', '.join(choices)}.")
    if network is not None and network not in NETWORKS:
        raise InputError(f"network {network!r} is unknown: take one of {', '.join(NETWORKS)}.")
    spec = find_method(method)
    if spec.learned:
        return spec.settings(quality, init, network)
    if init != "oriented" or network is not None:
        given = [f"init {init!r}"] * (init != "oriented") + [f"network {network!r}"] * (network is not None)
        raise InputError(
            f"{' and '.join(given)} {'is' if len(given) == 1 else 'are'} for methods that learn a network, and "
            f"{method!r} does not: leave {'it' if len(given) == 1 else 'them'} out."
        )
    return spec.settings(quality)


def check_config(name: str, config: object, group: str = METHODS) -> MethodSpec:
    """What the method of this name declares. Raises InputError where settings are not those of that method."""
    spec = find_method(name, group)
    if type(config) is not spec.config:
        raise InputError(f"method {name!r} needs settings of type {spec.config.__name__}, not {type(config).__name__}.")
    return spec


def read_config(
    method: str, name: str, group: str = METHODS, folder: Path = Path(), above: tuple[Path, ...] = ()
) -> Any:
    """Settings of a method, from a .yaml or .json file in a folder, or by the name of a preset.

    A file has the settings' names and, under `base`, what it changes: a preset, or another such file, by its path from
    the folder of the first. above: the files that are being read already. Raises InputError for a file that is missing
    or damaged, an unknown preset, what are not settings of the method, and files that are each other's base.
    """
    spec = find_method(method, group)
    if Path(name).suffix not in FILES:
        return _preset(spec, name)
    path = folder / name
    if path.resolve() in above:
        raise InputError(f"{path} leads back to itself by `{BASE}`: remove that from one of the files.")
    table = read_table(path)
    if (settings := spec.translated(table)) is not None:
        return settings
    base = spec.settings()
    if BASE in table:
        named = str(table.pop(BASE))
        try:
            base = read_config(method, named, group, path.parent, (*above, path.resolve()))
        except InputError as error:
            raise InputError(f"{path} has the base {named!r}: {error}") from None
    try:
        return changed(base, table, method)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def owner_of(preset: str, group: str = METHODS) -> str | None:
    """The name of the method that a preset belongs to; None for a file. Raises InputError for an unknown preset."""
    if Path(preset).suffix in FILES:
        return None
    presets = _owners(group)
    if preset not in presets:
        near, names = _of_others(preset) or did_you_mean(preset, presets), ", ".join(presets)
        raise InputError(f"there are no settings {preset!r}{near}: give {names}, or a .yaml or .json file.")
    return presets[preset]


def _owners(group: str) -> dict[str, str]:
    """The methods of the presets of a group, by preset."""
    return {one: name for name in method_names(group) for one in find_method(name, group).presets}


def _of_others(preset: str) -> str:
    """' here, but for `isofield ...`' for a preset of another method, else nothing."""
    commands = [_command(owners[preset], group) for group in _OTHER if preset in (owners := _owners(group))]
    return f" here, but for {' and '.join(commands)}" if commands else ""


def _preset(spec: MethodSpec, name: str) -> Any:
    if name not in spec.presets:
        names = "".join(f"{preset}, or " for preset in spec.presets)
        near = _of_others(name) or did_you_mean(name, spec.presets)
        raise InputError(f"there are no settings {name!r}{near}: give {names}a .yaml or .json file.")
    return spec.presets[name]


def read_table(path: Path) -> dict[str, Any]:
    """The table of a YAML or JSON file. Raises InputError where it is missing, damaged, or no table."""
    import yaml

    if not path.is_file():
        raise InputError(f"there is no file {path}: check the spelling.")
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))  # JSON is YAML
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): check its permissions.") from None
    except (ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path} is not valid YAML ({reason}): correct it there.") from None
    if not isinstance(table, dict):
        raise InputError(f"{path} must be a mapping of names to values, such as `seed: 0`.")
    return {str(key): value for key, value in table.items()}


def changed(base: Any, table: Mapping[str, Any], method: str | None = None, above: str = "") -> Any:
    """Settings with the values of a table of plain data, which may be nested. method: whose settings they are, and
    above: what their names begin with, for error messages. Raises InputError for unknown names and values that do not
    fit."""
    import dacite

    names, owner = [field.name for field in fields(base)], method or type(base).__name__
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name not in names:
            near = did_you_mean(str(name), names)
            raise InputError(f"{owner} has no setting '{above}{name}'{near}: its settings are in --help.")
        now = getattr(base, name)
        if isinstance(now, tuple) and not isinstance(value, (list, tuple)):
            raise InputError(f"{above}{name} {value!r} is not a list: give one, such as {list(now)}.")
        if isinstance(value, Mapping) and is_dataclass(now):
            value = changed(now, value, owner, f"{above}{name}.")
        values[name] = value
    casts = dacite.Config(cast=[tuple], type_hooks={float: _number, int: _whole}, check_types=True)
    try:
        # dacite checks the types of all fields; those that stay are right already.
        made = dacite.from_dict(type(base), {f.name: getattr(base, f.name) for f in fields(base)} | values, casts)
    except dacite.DaciteFieldError as error:
        name = error.field_path or ""
        raise InputError(
            f"the setting '{above}{name}' cannot be {values.get(name.split('.')[0])!r}: see --help."
        ) from None
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        given = ", ".join(f"{above}{name} {value!r}" for name, value in values.items())
        raise InputError(f"{given}: {error}; see --help for what each setting takes.") from None
    return replace(made)


def _number(value: Any) -> float:
    """YAML takes 5e-4, without a point, for a word."""
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if isinstance(value, bool) or number != number:
        raise ValueError(f"{value!r} is not a number")
    return number


def _whole(value: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError(f"{value!r} is not a whole number")
    return int(number)
