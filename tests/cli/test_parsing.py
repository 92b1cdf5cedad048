"""Values of options as people write them."""

import pytest

from isofield.cli.parsing import call
from isofield.errors import InputError


@pytest.mark.parametrize("value", ["-z", "-1,2.5,-3"])
def test_a_vector_may_begin_with_a_minus_sign(value):
    def command(up: str = "z", far: bool = False) -> int:
        return 7 if (up, far) == (value, True) else 1

    assert call(command, "isofield x", ["--up", value, "--far"]) == 7


def test_an_option_is_not_taken_for_a_value():
    def command(up: str = "z", far: bool = False) -> int:
        return 0

    with pytest.raises(InputError, match="--up needs a value"):
        call(command, "isofield x", ["--up", "--far"])
