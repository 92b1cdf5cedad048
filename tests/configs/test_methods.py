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
        "optm: 3": "mine.yaml: Igr has no setting 'optm', perhaps you meant 'optim'",
        "optim:\n  step: 3": "Optim has no setting 'optim.step', perhaps you meant 'steps'",
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
    with pytest.raises(InputError, match="init 'paper' is for methods that learn a network, and 'ssd' does not"):
        choose("ssd", "fast", "paper")
