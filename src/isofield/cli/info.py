"""`isofield info FILE...`: describe files and folders."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import tyro

from isofield.cli.parsing import Flag
from isofield.errors import InputError
from isofield.folder_format import AGAIN, LOSSES, SPACE, read_folder_config, reason, resolve

Lines = list[tuple[str, str]]
IDS = 40
"""At most this many ids of a space are printed; --json has all."""
PREPARED = ("layout", "samples", "count", "normalize", "sign", "seed")
"""The settings of prepared samples that are printed; --json has all."""


def info(
    files: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="FILE ...", help_behavior_hint="")],
    *,
    json: Flag = False,
) -> int:
    """Describe files and folders: meshes, clouds, fields, spaces of shapes, prepared samples.

    Args:
        files: Files with a mesh or points, folders that isofield wrote, or names of spaces that come with it.
        json: Print JSON to standard output: one object, or a list for several files.
    """
    if not files:
        raise InputError("FILES are missing; `isofield info --help` lists the options.")
    results, failed = [], 0
    for path in files:
        try:
            title, lines, figures = _described(path)
        except InputError as error:
            if len(files) == 1:
                raise
            print(f"error: {error}", file=sys.stderr)
            failed += 1
            continue
        results.append(figures)
        if not json:
            _print(title, lines)
    if json:
        from isofield.cli import output

        output.print_json(results[0] if len(files) == 1 else results)
    return 2 if failed else 0


def _described(path: Path) -> tuple[str, Lines, dict[str, object]]:
    if (resolve(path) / "config.json").is_file():
        return _folder(resolve(path))
    if (path / "manifest.json").is_file():
        return _prepared(path)
    released = (path / "specs.json", path / "ModelParameters", path / "checkpoints" / "ModelParameters")
    return _experiment(path) if any(one.exists() for one in released) else _shape(path)


def _prepared(path: Path) -> tuple[str, Lines, dict[str, object]]:
    """A folder that `isofield prepare` wrote."""
    from isofield.datasets.manifest import read

    settings, records = read(path)
    outcomes = Counter(record.outcome for record in records)
    classes = Counter(record.label for record in records)
    lines = [
        ("kind", "prepared samples of shapes"),
        ("shapes", f"{len(records)} ({', '.join(f'{name} {number}' for name, number in sorted(outcomes.items()))})"),
        ("classes", ", ".join(f"{name or 'none'} {number}" for name, number in sorted(classes.items()))),
        *((name, _text(settings[name])) for name in PREPARED if name in settings),
    ]
    figures = {"name": str(path), "kind": "prepared", "shapes": len(records), "outcomes": outcomes, "classes": classes}
    return str(path), lines, {**figures, "settings": settings}


def _space(method: str, ids: list[str], length: int, provenance: dict[str, object]) -> Lines:
    plain = {name: value for name, value in provenance.items() if isinstance(value, (str, int, float))}
    more = f" and {len(ids) - IDS} more (--json lists all)" if len(ids) > IDS else ""
    return [
        ("method", method),
        ("code length", str(length)),
        ("shapes", str(len(ids))),
        *((LOSSES.get(name, name), _text(value)) for name, value in plain.items()),
        ("ids", ", ".join(ids[:IDS]) + more),
    ]


def _experiment(path: Path) -> tuple[str, Lines, dict[str, object]]:
    """An experiment of DeepSDF's or SALD's released code."""
    from isofield import api

    space = api.load_run(path)
    ids, length = list(space.ids), space.codes.shape[1]
    lines = [
        ("kind", f"space of shapes ({'DeepSDF' if space.method == 'deepsdf' else 'SALD'}'s released code)"),
        *_space(space.method, ids, length, space.provenance),
    ]
    figures = {"name": str(path), "kind": "space", "method": space.method, "code_length": length, "ids": ids}
    return str(path), lines, {**figures, "settings": asdict(space.config), "provenance": space.provenance}


def _shape(path: Path) -> tuple[str, Lines, dict[str, object]]:
    from isofield import io

    info = io.inspect(io.read(path), str(path))
    return str(path), io.describe(info), asdict(info)


def _folder(path: Path) -> tuple[str, Lines, dict[str, object]]:
    """The folder of a field or a space, read without torch."""
    from safetensors import SafetensorError, safe_open

    from isofield.configs.preparing import OF_PICTURES

    config = read_folder_config(path)
    figures: dict[str, object] = {"name": str(path), **config}
    try:
        kind, provenance = config["kind"], config["provenance"]
        if kind == SPACE:
            with safe_open(path / f"{SPACE}.safetensors", "np") as tensors:
                length = tensors.get_slice("codes").get_shape()[1]
            ids = [str(shape[0]) for shape in config["shapes"]]
            figures |= {"code_length": length, "ids": ids}
            what = "pictures" if {*config["prepare"]["samples"]} & {*OF_PICTURES} else "shapes"
            return (
                str(path),
                [("kind", f"space of {what}"), *_space(config["method"], ids, length, provenance)],
                figures,
            )
        plain = {name: value for name, value in provenance.items() if name != "settings" and value is not None}
        flat = {"format": config["format"], **_flat(plain)}
        flat |= {"spacing": config["spacing"], "interrupted": config["interrupted"]}
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path / f'{SPACE}.safetensors'} is damaged ({reason(error)}): {AGAIN}.") from None
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise InputError(f"{path / 'config.json'} is damaged ({reason(error)}): {AGAIN}.") from None
    lines = [(name.replace("_", " "), _text(value)) for name, value in flat.items() if value is not None]
    return str(path), [("kind", f"field folder ({kind})"), *lines], figures


def _flat(values: dict[str, object], prefix: str = "") -> dict[str, object]:
    """{'a': {'b': 1}} to {'a b': 1}."""
    flat: dict[str, object] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name} ") if isinstance(value, dict) else {prefix + name: value}
    return flat


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _print(title: str, lines: Lines) -> None:
    width = max(len(label) for label, _ in lines)
    print(title)
    for label, text in lines:
        print(f"  {label:<{width}}  {text}")
