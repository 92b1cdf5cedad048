"""IDX files (LeCun et al., MNIST): an array of bytes or numbers after a header of its type and sizes."""

from __future__ import annotations

import gzip
import zlib

import numpy as np

from isofield.io.formats.raw import CUT, Damage, check_expansion

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""NumPy's types by the third byte of the header."""
GZIP = b"\x1f\x8b"


def parse_idx(data: bytes) -> np.ndarray:
    """The array of an idx file, compressed by gzip or not; read-only. Raises `Damage`.

    Header: two zero bytes, type, number of dimensions, and each size as a big-endian 32-bit number.
    """
    if data.startswith(GZIP):
        check_expansion(data)
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            raise Damage("is cut short") from None
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in TYPES or not data[3]:
        raise Damage("is not an idx file: its first bytes are wrong", CUT)
    kind, start = np.dtype(TYPES[data[2]]), 4 + 4 * data[3]
    if len(data) < start:
        raise Damage("is cut short")
    sizes = [int.from_bytes(data[4 + 4 * k : 8 + 4 * k], "big") for k in range(data[3])]
    count = int(np.prod(np.array(sizes, object)))
    if len(data) - start < count * kind.itemsize:
        raise Damage(
            f"is cut short: its header promises {' x '.join(map(str, sizes))} values, and "
            f"{(len(data) - start) // kind.itemsize} are there"
        )
    return np.frombuffer(data, kind, count, start).reshape(sizes)
