"""`isofield info FILE...`: what files and field folders are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro


def info(
    files: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="FILE ...", help_behavior_hint="")],
    *,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Say what files and folders are: meshes, clouds, fields, spaces of shapes, prepared samples.

    Args:
        files: Files with a mesh or points, or folders that isofield wrote.
        json: Print JSON to standard output: one object, or a list where there are several files.
    """
    import sys

    from isofield.errors import InputError

    if not files:
        raise InputError("FILES are missing; `isofield info --help` lists the options.")
    results, failed = [], 0
    for path in files:
        try:
            title, lines, figures = _told(path)
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


Lines = list[tuple[str, str]]


def _told(path: Path) -> tuple[str, Lines, dict[str, object]]:
    from isofield.folder_format import resolve

    if (resolve(path) / "config.json").is_file():
        return _field(resolve(path))
    if (path / "manifest.json").is_file():
        return _prepared(path)
    return _experiment(path) if (path / "specs.json").is_file() else _shape(path)


def _prepared(path: Path) -> tuple[str, Lines, dict[str, object]]:
    """A folder that `isofield prepare` wrote."""
    from collections import Counter

    from isofield.datasets.manifest import read

    settings, records = read(path)
    outcomes = Counter(record.outcome for record in records)
    told: dict[str, object] = {
        "shapes": len(records),
        **{f"outcome {name}": number for name, number in sorted(outcomes.items())},
        "classes": len({record.label for record in records}),
        **_flat(settings),
    }
    lines = [("kind", "prepared samples of shapes"), *((k.replace("_", " "), _text(v)) for k, v in told.items())]
    return str(path), lines, {"name": str(path), "kind": "prepared", **told}


def _experiment(path: Path) -> tuple[str, Lines, dict[str, object]]:
    """An experiment of DeepSDF's released code."""
    from dataclasses import asdict

    from isofield import api

    space = api.load_run(path)
    told: dict[str, object] = {**space.provenance, "shapes": len(space.shapes), **_flat(asdict(space.config))}
    lines = [("kind", "space of shapes (DeepSDF's released code)"), *((k, _text(v)) for k, v in told.items())]
    return str(path), lines, {"name": str(path), "kind": "space", **told}


def _shape(path: Path) -> tuple[str, Lines, dict[str, object]]:
    from dataclasses import asdict

    from isofield import io

    info = io.inspect(io.read(path), str(path))
    return str(path), io.describe(info), asdict(info)


def _field(path: Path) -> tuple[str, Lines, dict[str, object]]:
    """The folder of a field or a space, by its config alone: nothing heavy is loaded."""
    from isofield.errors import InputError
    from isofield.folder_format import AGAIN, SPACE, read_config, reason

    config = read_config(path)
    try:
        provenance = {name: value for name, value in config["provenance"].items() if name != "settings"}
        described = {"format": config["format"], "kind": config["kind"], **_flat(provenance)}
        if config["kind"] == SPACE:
            size = (path / f"{SPACE}.safetensors").stat().st_size
            described |= {"method": config["method"], "shapes": len(config["shapes"]), "file megabytes": size / 1e6}
            described |= _flat(config["settings"])
        else:
            described |= {"spacing": config["spacing"], "interrupted": config["interrupted"]}
    except (KeyError, TypeError, AttributeError, OSError) as error:
        raise InputError(f"{path / 'config.json'} is damaged ({reason(error)}): {AGAIN}.") from None
    kind = described.pop("kind")
    lines = [("kind", "space of shapes" if kind == SPACE else f"field folder ({kind})")]
    lines += [(name.replace("_", " "), _text(value)) for name, value in described.items() if value is not None]
    return str(path), lines, {"name": str(path), **config}


def _flat(values: dict[str, object], prefix: str = "") -> dict[str, object]:
    """{'a': {'b': 1}} to {'a.b': 1}."""
    flat: dict[str, object] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_text, value))}]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _print(title: str, lines: Lines) -> None:
    width = max(len(label) for label, _ in lines)
    print(title)
    for label, text in lines:
        print(f"  {label:<{width}}  {text}")
