"""Settings refuse numbers and words that mean nothing, when they are made."""

from dataclasses import fields, is_dataclass, replace
from typing import Literal, get_origin, get_type_hints

import pytest

from isofield.configs import Igr, Network, PrepareConfig, SsdSiren
from isofield.configs.common import Schedule, WarmStart
from isofield.configs.methods import METHODS, SPACES, find_method, method_names
from isofield.errors import InputError

NEGATIVE = {("PrepareConfig", "similarity")}
"""Numbers that may be negative: the centre of a similarity."""
MAY_BE_ZERO = {
    "further", "levels", "refining", "warps", "lead", "epochs", "steps", "validate", "basis", "rounds", "frequencies",
    "query", "seed", "infer_steps", "infer_rounds", "infer_polish",
}  # fmt: skip
"""Counts that may be 0."""


def configurations():
    """A default of every dataclass of settings, nested ones included."""
    specs = [find_method(name, group) for group in (METHODS, SPACES) for name in method_names(group)]
    todo = [PrepareConfig(), *(config for spec in specs for config in (spec.settings(), *spec.presets.values()))]
    found = {}
    while todo:
        config = todo.pop()
        found[type(config).__name__] = config
        todo += [value for field in fields(config) if is_dataclass(value := getattr(config, field.name))]
    return found


ALL = configurations()


def numbers(config):
    """The names of the numbers, and a negative and a zero value for each: a tuple where it is one."""
    for field in fields(config):
        value = getattr(config, field.name)
        single = value[0] if isinstance(value, tuple) and value else value
        if isinstance(single, int | float) and not isinstance(single, bool):
            kind = (lambda number: (number,)) if isinstance(value, tuple) else lambda number: number
            yield field.name, kind(-1), None if isinstance(single, float) else kind(0)


def test_all_settings_are_found():
    assert len(ALL) > 30
    assert {"WarmStart", "Schedule", "Ssd", "SsdSiren", "Linear", "FieldNetwork", "PrepareConfig", "Training"} <= {*ALL}


@pytest.mark.parametrize("name", sorted(ALL))
def test_negative_numbers_and_empty_counts_are_refused(name):
    config = ALL[name]
    for setting, negative, zero in numbers(config):
        if (name, setting) not in NEGATIVE:
            with pytest.raises(InputError, match=setting.replace("_", "[-_]")):
                replace(config, **{setting: negative})
        may_be_zero = setting in MAY_BE_ZERO or isinstance(zero, tuple) or (name, setting) == ("FieldNetwork", "length")
        if zero is not None and not may_be_zero:
            with pytest.raises(InputError, match=setting.replace("_", "[-_]")):
                replace(config, **{setting: zero})


@pytest.mark.parametrize("name", sorted(ALL))
def test_words_that_are_not_choices_are_refused(name):
    config = ALL[name]
    for setting, hint in get_type_hints(type(config)).items():
        if get_origin(hint) is Literal:
            with pytest.raises(InputError, match=f"{setting} cannot be 'foo': choose among"):
                replace(config, **{setting: "foo"})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Schedule(factor=-3), "factor -3 is out of range: give at least 0"),
        (lambda: Schedule(kind="lin"), "kind cannot be 'lin': choose among constant, step, warmup, cosine"),
        (lambda: Schedule(warm_up=1.0), "warm_up 1 is out of range: give a fraction below 1"),
        (lambda: WarmStart(scales=()), "scales must be numbers above 0, not none"),
        (lambda: Igr(scales=(1.0, 0.0)), "scales must be numbers above 0, not 1 0"),
        (lambda: Igr(on_normals=float("nan")), "on_normals nan is out of range"),
        (lambda: SsdSiren(samples=0), "samples 0 is out of range: give at least 1"),
        (lambda: Network(kind="foo"), "kind cannot be 'foo': choose among siren, mlp, hashgrid"),
        (lambda: PrepareConfig(similarity=(-1.0, 0.0, 0.0, -1.0)), "similarity must end with a scale above 0"),
    ],
)
def test_what_a_setting_refuses(make, said):
    with pytest.raises(InputError, match=said):
        make()
