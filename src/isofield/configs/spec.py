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
        translate: "module:object" that makes settings of a table in the form of the method's released code; it gives
            None for another table.
    """

    summary: str
    build: str | Callable[[Any], Any]
    settings: Callable[..., Any]
    presets: Mapping[str, Any] = field(default_factory=dict)
    reads: str = "points"
    learned: bool = False
    translate: str = ""

    @property
    def config(self) -> type:
        """The class of its settings."""
        return type(self.settings())

    def method(self, config: Any) -> Any:
        """The method with these settings."""
        return self.build(config) if callable(self.build) else _loaded(self.build)(config)

    def translated(self, table: Mapping[str, Any]) -> Any:
        """The settings that a table of the released code stands for; None for another table."""
        return _loaded(self.translate)(table) if self.translate else None


def _loaded(path: str) -> Callable[[Any], Any]:
    module, _, name = path.partition(":")
    function: Callable[[Any], Any] = getattr(import_module(module), name)
    return function
