"""Ranges that the command line and the library check alike: the command line before any work."""

from __future__ import annotations

from isofield.errors import InputError

RESOLUTIONS = (8, 1024)
"""Cells along the longest side of a mesh's box, at least and at most."""
FEWEST_FACES = 20
"""Fewest faces of a mesh."""
NOISIEST = 0.1
"""Largest noise that can be given, as a fraction of the diagonal of the points' box."""
ETA = 0.005
"""Distance along the normals of an observed surface at which its distance counts as known (DeepSDF, section 6.3)."""


def check_resolution(resolution: int | None) -> None:
    """Raises InputError where a resolution is out of range; None is the field's own."""
    low, high = RESOLUTIONS
    if resolution is not None and not (resolution == int(resolution) and low <= resolution <= high):
        raise InputError(f"resolution {resolution} is out of range: give {low} to {high} cells along the longest side.")


def check_seed(seed: int) -> None:
    """Raises InputError for a seed that no generator takes."""
    if not 0 <= seed < 2**32:
        raise InputError(f"seed {seed} is out of range: give a whole number from 0 to {2**32 - 1}.")


def check_finish(faces: int | None, trim: float | None) -> None:
    """Raises InputError for a number of faces or a distance that no mesh can have; None leaves the mesh as it is."""
    if faces is not None and faces < FEWEST_FACES:
        raise InputError(f"{faces} faces cannot represent a shape: give at least {FEWEST_FACES}.")
    if trim is not None and not 0 < trim < float("inf"):
        raise InputError(f"trim {trim:g} is not a distance: give a number greater than 0, in the input's units.")


def check_noise(noise: float | None) -> None:
    """Raises InputError for noise that points cannot have; None is to be estimated."""
    if noise is not None and not 0 <= noise <= NOISIEST:
        raise InputError(
            f"noise {noise:g} is out of range: give a fraction of the bounding box's diagonal from 0 to {NOISIEST} "
            "(0.002 is 0.2 %)."
        )


def noise_of(text: str) -> float | None:
    """What --noise says: None for 'auto', else the fraction. Raises InputError for anything else."""
    if text == "auto":
        return None
    try:
        noise = float(text)
    except ValueError:
        raise InputError(f"noise cannot be '{text}': give auto, or a fraction of the diagonal such as 0.002.") from None
    check_noise(noise)
    return noise
