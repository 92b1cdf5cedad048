"""What a method declares: the command line and the library know no more of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class MethodSpec:
    """A method that fits one shape, or learns a space of shapes.

    Args:
        summary: One line for the command line's help.
        build: The settings to the method (`types.Method` or `types.Space`), or "module:object", so that `--help`
            loads no torch.
        settings: The settings (a frozen dataclass) of a quality, fast, balanced or best; of a learned method also of an
            init, oriented or paper, and of a kind of network. A space has one default: without arguments.
        presets: Further settings by name.
        reads: What it learns from: points, or a closed mesh; for a space a kind of prepared samples, such as signed.
        learned: It learns a network of one shape: `settings` takes init and network.
    """

    summary: str
    build: str | Callable[[Any], Any]
    settings: Callable[..., Any]
    presets: Mapping[str, Any] = field(default_factory=dict)
    reads: str = "points"
    learned: bool = False

    @property
    def config(self) -> type:
        """The class of its settings."""
        return type(self.settings())

    def method(self, config: Any) -> Any:
        """The method with these settings."""
        if not isinstance(self.build, str):
            return self.build(config)
        module, _, name = self.build.partition(":")
        return getattr(import_module(module), name)(config)
