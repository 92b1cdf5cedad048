"""Words of error messages."""

import pytest

from isofield.errors import did_you_mean, with_article


def test_articles():
    assert [with_article(name) for name in ("linear", "occupancy", "image-codes", "sal")] == [
        "a linear", "an occupancy", "an image-codes", "a sal",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("--rate.stepz", ["--grate.steps", "--rate.step-size"], "--rate.step-size"),  # the same group first
        ("--rates.steps", ["--rate.steps", "--tuning.batch"], "--rate.steps"),
        ("--optim.stepz", ["--tuning.steps", "--training.rate.steps", "--training.steps"], "--training.steps"),
        ("--tunin.steps", ["--tuning.steps", "--training.steps"], "--tuning.steps"),
        ("--start.steps", ["--start.optim.steps", "--start.scales", "--optim.steps"], "--start.optim.steps"),
    ],
)
def test_a_setting_of_the_same_group_is_suggested_first(word, known, near):
    assert did_you_mean(word, known) == f", perhaps you meant '{near}'"
