"""Words of error messages."""

from isofield.errors import with_article


def test_articles():
    assert [with_article(name) for name in ("linear", "occupancy", "image-codes", "sal")] == [
        "a linear", "an occupancy", "an image-codes", "a sal",
    ]  # fmt: skip
