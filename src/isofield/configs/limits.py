"""Ranges that the command line and the library check alike."""

RESOLUTIONS = (8, 1024)
"""Cells along the longest side of a mesh's box, at least and at most."""
FEWEST_FACES = 20
"""A mesh with fewer faces than this holds no shape."""
NOISIEST = 0.1
"""Largest noise that can be given, as a fraction of the diagonal of the points' box."""
ETA = 0.005
"""Distance along the normals of an observed surface at which its distance counts as known (DeepSDF, section 6.3)."""
