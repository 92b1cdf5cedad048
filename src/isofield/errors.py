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
    """', perhaps you meant ...' where a known word is near, else nothing; of settings, one of the same group first."""
    stems = {option.lstrip("-"): option for option in known}  # dashes alone make no two words alike
    group, dot, name = word.lstrip("-").partition(".")
    names = [stem.partition(".")[2] for stem in stems if dot and stem.startswith(f"{group}.")]
    near = [f"{group}.{match}" for match in difflib.get_close_matches(name, names, n=1, cutoff=0.6)]
    near = near or difflib.get_close_matches(word.lstrip("-"), list(stems), n=1, cutoff=0.6)
    return f", perhaps you meant '{stems[near[0]]}'" if near else ""
