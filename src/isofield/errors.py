"""Errors that a person can cause, each as one sentence: what is wrong, where, and the remedy.

The command line prints the sentence and ends with exit status 2; a program catches `InputError`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class InputError(ValueError):
    """An input cannot be used: a file, a folder, an option, an array.

    The message is one sentence: what is wrong, where, and the remedy.
    """


class MissingPartError(InputError):
    """A method or a class of fields that no installed package declares."""


class OutputError(InputError):
    """A file or folder cannot be written where the caller wants it."""


def join_names(names: Sequence[str], most: int) -> str:
    """'a, b and 3 more': the first `most` names, and how many others there are."""
    others = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + others


def with_article(name: str) -> str:
    """'a linear', 'an occupancy': a name after its indefinite article."""
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """', perhaps you meant ...' where a known word is near, else nothing; of settings (group.name) one of the same
    group, else one of the nearest group, else one of the fewest groups."""
    stems = {option.lstrip("-"): option for option in known}  # dashes alone make no two words alike
    word = word.lstrip("-")
    group, dot, name = word.rpartition(".")

    def apart(stem: str) -> tuple[float, int, str]:
        like = difflib.SequenceMatcher(None, group, stem.rpartition(".")[0]).ratio()
        return -like if like > 0.6 else 0.0, stem.count("."), stem

    inside = [stem for stem in stems if stem.startswith(f"{group}.")] or [stem for stem in stems if "." in stem]
    by_name = {stem.rpartition(".")[2]: stem for stem in sorted(inside, key=apart, reverse=True)} if dot else {}
    near = [by_name[found] for found in difflib.get_close_matches(name, by_name, n=1)]
    near = near or difflib.get_close_matches(word, list(stems), n=1)
    return f", perhaps you meant '{stems[near[0]]}'" if near else ""
