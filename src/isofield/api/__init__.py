"""The Python interface: fit shapes, train spaces, evaluate, save and load fields.

The names in the stub beside this file are loaded when they are first used; functions that are named as their modules
are, at once, before anything else binds the module to the name.
"""

from __future__ import annotations

import lazy_loader

from isofield.api.export import export  # noqa: F401
from isofield.api.fit import fit  # noqa: F401
from isofield.api.query import query  # noqa: F401

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
