"""Which methods there are, and settings by name, file and value."""

import json
from dataclasses import asdict

import pytest

from isofield.configs import Igr, Optim, Ssd
from isofield.configs.methods import (
    METHODS,
    SPACES,
    changed,
    check_config,
    choose,
    find_method,
    method_names,
    method_of,
    owner_of,
    read_config,
)
from isofield.errors import InputError

ALL = [(name, group) for group in (METHODS, SPACES) for name in method_names(group)]


@pytest.mark.parametrize(("name", "group"), ALL)
def test_settings_come_back_from_plain_data(name, group):
    spec = find_method(name, group)
    for settings in (spec.settings(), *spec.presets.values()):
        assert type(settings) is spec.config
        assert changed(spec.settings(), json.loads(json.dumps(asdict(settings)))) == settings


@pytest.mark.parametrize(("name", "group"), ALL)
def test_every_setting_is_explained(name, group):
    """In the docstring that makes the command line's help."""
    from dataclasses import fields, is_dataclass

    kinds = [find_method(name, group).config]
    while kinds:
        kind = kinds.pop()
        for field in fields(kind):
            assert f"\n        {field.name}: " in kind.__doc__, f"{kind.__name__}.{field.name}"
        default = find_method(name, group).settings() if kind is find_method(name, group).config else kind
        kinds += [
            type(v)
            for f in fields(kind)
            if is_dataclass(v := getattr(default, f.name, None)) and not isinstance(v, type)
        ]


def test_the_method_of_settings():
    assert method_of(Ssd()) == "ssd"
    assert method_of(Igr()) == "igr"
    assert owner_of("sal-paper") == "sal"
    with pytest.raises(InputError, match="a dict is not the settings of a method"):
        method_of({})
    with pytest.raises(InputError, match="method 'igr' needs settings of type Igr, not Ssd"):
        check_config("igr", Ssd())


def test_values_of_a_file_are_checked(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("base: igr-paper\noptim:\n  steps: 7\non_normals: 5e-4\nscales: [1]\n")
    settings = read_config("igr", str(path))
    assert (settings.optim.steps, settings.optim.batch) == (7, 32_768)
    assert (settings.on_normals, settings.scales) == (5e-4, (1.0,))
    for text, said in {
        "optm: 3": "mine.yaml: igr has no setting 'optm', perhaps you meant 'optim'",
        "optim:\n  step: 3": "igr has no setting 'optim.step', perhaps you meant 'steps'",
        "optim:\n  steps: 0": "steps 0 is out of range: give at least 1",
        "optim: 3": "the setting 'optim' cannot be 3",
        "network:\n  kind: foo": "the setting 'network.kind' cannot be 'foo'",
        "- 1": "must be a mapping",
        "a: [": "is not valid YAML",
        "base: igr-papr": "there are no settings 'igr-papr', perhaps you meant 'igr-paper'",
    }.items():
        path.write_text(text)
        with pytest.raises(InputError, match=said):
            read_config("igr", str(path))


def test_files_inherit_from_files(tmp_path):
    """A chain of three, by paths from each file's own folder; the nearest value counts."""
    (tmp_path / "own").mkdir()
    (tmp_path / "default.yaml").write_text("base: occupancy-small\nnoise: 0.02\ntraining:\n  batch: 4\n  steps: 9\n")
    (tmp_path / "voxels.yaml").write_text("base: default.yaml\ninput: voxels\ntraining:\n  steps: 7\n")
    (tmp_path / "own" / "mine.json").write_text('{"base": "../voxels.yaml", "cells": 16}')
    made = read_config("occupancy", str(tmp_path / "own" / "mine.json"), SPACES)
    assert (made.input, made.cells, made.noise, made.inside) == ("voxels", 16, 0.02, True)
    assert (made.training.steps, made.training.batch) == (7, 4)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("base: second.yaml", "nose: 1", "second.yaml: occupancy has no setting 'nose', perhaps you meant 'noise'"),
        ("base: second.yaml\nimput: none", "noise: 1", "first.yaml: occupancy has no .* perhaps you meant 'input'"),
        ("base: third.yaml", "", "first.yaml has the base 'third.yaml': there is no file .*third.yaml"),
        ("base: second.yaml", "base: first.yaml", "first.yaml leads back to itself by `base`"),
        ("base: first.yaml", "", "first.yaml leads back to itself by `base`"),
        (
            "base: second.yaml",
            "base: occupancy-smal",
            "no settings 'occupancy-smal', perhaps you meant 'occupancy-small'",
        ),
        ("input: picture", "", "the setting 'input' cannot be 'picture'"),
    ],
)
def test_what_is_wrong_in_a_chain_names_its_file(tmp_path, first, second, said):
    (tmp_path / "first.yaml").write_text(first)
    (tmp_path / "second.yaml").write_text(second)
    with pytest.raises(InputError, match=said):
        read_config("occupancy", str(tmp_path / "first.yaml"), SPACES)


def test_a_name_of_the_other_command_names_it():
    with pytest.raises(InputError, match="'occupancy' is a method of `isofield train occupancy`; here choose among"):
        choose("occupancy", "fast")
    with pytest.raises(InputError, match="'ssd' is a method of `isofield fit --method ssd`; here choose among"):
        find_method("ssd", SPACES)
    of_fit, of_train = "`isofield fit --method neural-pull`: give ", "`isofield train occupancy`: give "
    with pytest.raises(InputError, match=f"no settings 'neural-pull-noisy' here, but for {of_fit}"):
        read_config("neural-pull", "neural-pull-noisy", SPACES)
    with pytest.raises(InputError, match=f"no settings 'occupancy-small' here, but for {of_train}"):
        owner_of("occupancy-small")


def test_a_preset_has_the_steps_of_its_paper():
    steps = {name: read_config(name, f"{name}-paper").optim.steps for name in ("igr", "siren", "neural-pull")}
    assert steps == {"igr": 100_000, "siren": 50_000, "neural-pull": 40_000}
    for name, number in steps.items():
        assert choose(name, "best", "paper").optim.steps < number / 10


def test_settings_are_checked_when_they_are_made():
    with pytest.raises(InputError, match="steps 0 is out of range"):
        Optim(0)
    with pytest.raises(InputError, match="there is no method 'irg', perhaps you meant 'igr'"):
        choose("irg", "fast")
    with pytest.raises(InputError, match=r"init 'paper' and network 'mlp' are for methods that .* leave them out"):
        choose("ssd", "balanced", "paper", "mlp")
    with pytest.raises(InputError, match="init 'paper' is for methods that learn a network, and 'ssd' does not"):
        choose("ssd", "fast", "paper")
