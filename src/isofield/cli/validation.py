"""Numbers on the command line, checked before any work."""

from __future__ import annotations

from isofield.configs.limits import FEWEST_FACES, NOISIEST, RESOLUTIONS
from isofield.errors import InputError


def check_resolution(resolution: int | None) -> None:
    """Raise InputError where a resolution is out of range; None is the field's own."""
    low, high = RESOLUTIONS
    if resolution is not None and not low <= resolution <= high:
        raise InputError(
            f"--resolution {resolution} is out of range: give {low} to {high} cells along the longest side."
        )


def check_seed(seed: int) -> None:
    """Raise InputError for a seed that no generator takes."""
    if not 0 <= seed < 2**32:
        raise InputError(f"--seed {seed} is out of range: give a whole number from 0 to {2**32 - 1}.")


def check_finish(faces: int | None, trim: float | None) -> None:
    """Raise InputError for a number of faces or a distance that no mesh can have; None leaves the mesh as it is."""
    if faces is not None and faces < FEWEST_FACES:
        raise InputError(f"--faces {faces} are too few to hold a shape: give at least {FEWEST_FACES}.")
    if trim is not None and not 0 < trim < float("inf"):
        raise InputError(f"--trim {trim:g} is not a distance: give a number greater than 0, in the input's units.")


def noise_of(text: str) -> float | None:
    """What --noise says: None for 'auto', else the fraction. Raises InputError for anything else."""
    if text == "auto":
        return None
    try:
        value = float(text)
    except ValueError:
        raise InputError(
            f"--noise cannot be '{text}': give auto, or a fraction of the diagonal such as 0.002."
        ) from None
    if not 0 <= value <= NOISIEST:
        raise InputError(
            f"--noise {text} is out of range: give a fraction of the bounding box's diagonal from 0 to {NOISIEST} "
            "(0.002 is 0.2 %), or auto."
        )
    return value
