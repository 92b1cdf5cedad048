"""What a person can get wrong, each as one sentence that names what, where and the way out.

The command line prints the sentence and ends with exit status 2; a program catches `InputError`.
"""

from __future__ import annotations


class InputError(ValueError):
    """Something that the caller gave cannot be used: a file, a folder, an option, an array.

    The message is one sentence: what is wrong, where, and the remedy.
    """
