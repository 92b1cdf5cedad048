"""Input and output: meshes and clouds, depth images, poses, and descriptions of shapes.

The names in the stub beside this file are loaded when they are first used.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
