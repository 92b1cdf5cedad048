"""`isofield view ANYTHING`: look at it in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro

from isofield.cli.errors import say
from isofield.cli.parsing import Flag


def view(
    what: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(help_behavior_hint="")] = None,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    up: Annotated[Literal["x", "y", "z"] | None, tyro.conf.arg(help_behavior_hint="")] = None,
    truth: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None,
    resolution: Annotated[int, tyro.conf.arg(metavar="CELLS")] = 128,
    open: Flag = False,
) -> int:
    """Show a mesh, a cloud, a field, a space of shapes or prepared samples in a browser, until Ctrl-C.

    Needs viser: pip install 'isofield[viewer]'.

    Args:
        what: A file with a mesh or points, a field folder, a run of `isofield train`, or a folder of `isofield prepare`
            (default: the result of `isofield demo`, if it is here, and the spaces that come with the package).
        host: The address to listen on; 0.0.0.0 lets other machines in.
        port: The port; the next free one where it is in use.
        up: The axis that points up (default: how the shape stands best).
        truth: A mesh or cloud; the surface of the field is coloured by its distance to it.
        resolution: Cells along the longest side of the surface of a field, 8 to 1024; the page can change it.
        open: Open a browser on this machine, too.
    """
    from isofield.viewer import open_viewer

    viewer = open_viewer(what, host=host, port=port, up=up, truth=truth, resolution=resolution)
    try:
        for link in viewer.links:
            print(f"{what or 'isofield'} is shown at {link}", flush=True)
        number = viewer.links[0].rsplit(":", 1)[1].strip("/")
        say(f"From another machine: ssh -L {number}:127.0.0.1:{number} THIS-MACHINE. Ctrl-C ends.")
        if open:
            import webbrowser

            webbrowser.open(viewer.links[0])
        viewer.wait()
    except KeyboardInterrupt:  # before it waited
        viewer.stop()
    say("The viewer has ended.")
    return 0
