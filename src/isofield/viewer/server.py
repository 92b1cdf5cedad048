"""The server of the pages: where it listens, what it takes, and how it is stopped."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import viser
import websockets.asyncio.server
from viser._messages import FileTransferPart, FileTransferStartUpload, ShareUrlRequest

from isofield.errors import InputError

LOOPBACK = "127.0.0.1"
"""The address that only this machine reaches."""
HERE = (LOOPBACK, "localhost", "::1")
"""Host names of this machine."""
LARGEST_UPLOAD = 64 * 2**20
"""Bytes of an upload, at most; of all that are under way together, too."""
NARROW, FARTHER, RAISED = 0.8, 2.3, 0.29
"""Ratio of width to height below which a window is narrow; there, the factor on the distance of the camera, and the
fraction of the window's height by which the scene is raised."""
BLUE = (70, 104, 140)


def start(title: str, host: str, port: int) -> viser.ViserServer:
    """A server on the port, or on the next one that is free; without the tunnel to a public address that viser offers.

    Raises InputError for an address that this machine does not have, and for a port out of range.
    """
    if not 0 <= port < 65536:
        raise InputError(f"the port must be 0 to 65535, not {port}.")
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.bind((host, 0))
    except OSError:
        raise InputError(
            f"this machine has no address {host!r}: give 127.0.0.1 for this machine alone, or 0.0.0.0 for all networks."
        ) from None
    with contextlib.redirect_stdout(io.StringIO()), _own_pages_alone(host):  # viser prints its own table
        server = viser.ViserServer(host, port, label=title, verbose=False)
    server._websock_server.unregister_handler(ShareUrlRequest)
    server.on_client_connect(_adapted(server))
    for message in (FileTransferStartUpload, FileTransferPart):
        server._websock_server.register_handler(message, _bounded(server))
    server.scene.configure_default_lights(cast_shadow=False)  # shadows halve the frames a second, and stripe surfaces
    server.gui.configure_theme(show_logo=False, show_share_button=False, brand_color=BLUE)
    return server


@contextlib.contextmanager
def _own_pages_alone(host: str) -> Iterator[None]:
    """Servers that start meanwhile refuse what `stranger` names: viser itself takes connections from the pages of any
    site, so that one that is open in the same browser could read and steer this page."""
    serve = websockets.asyncio.server.serve

    def guarded(handler: Any, *arguments: Any, process_request: Any = None, **options: Any) -> Any:
        def checked(connection: Any, request: Any) -> Any:
            if stranger(request.headers, host):
                return connection.respond(HTTPStatus.FORBIDDEN, "This address serves its own pages alone.")
            return None if process_request is None else process_request(connection, request)

        return serve(handler, *arguments, process_request=checked, **options)

    websockets.asyncio.server.serve = guarded  # type: ignore[assignment,misc]
    try:
        yield
    finally:
        websockets.asyncio.server.serve = serve  # type: ignore[misc]


def stranger(headers: Mapping[str, str], host: str) -> bool:
    """Whether a request comes from a page of another server (its Origin differs from the Host that it asks), or asks a
    server of this machine alone by the name of another one, as after DNS rebinding."""
    asked, origin = headers.get("Host", "").lower(), headers.get("Origin")
    if origin is not None and urlsplit(origin.lower()).netloc != asked:
        return True
    return host in HERE and urlsplit(f"//{asked}").hostname not in HERE


def _adapted(server: viser.ViserServer) -> Any:
    """A handler that, in a narrow window as a phone's, moves the scene up and away from the controls, which cover the
    lower part."""

    def adapt(client: viser.ClientHandle) -> None:
        adapted = threading.Event()

        @client.camera.on_update
        def _(camera: viser.CameraHandle) -> None:
            start = server.initial_camera
            begun = np.allclose(camera.position, start.position, atol=1e-3)  # the page has set its first camera
            if adapted.is_set() or not begun or camera.aspect >= NARROW:
                return
            adapted.set()
            toward, up = np.asarray(start.position) - start.look_at, np.asarray(start.up)
            height = 2 * FARTHER * float(np.linalg.norm(toward)) * np.tan(start.fov / 2)
            target = np.asarray(start.look_at) - RAISED * height * up
            with client.atomic():
                camera.position = target + FARTHER * toward
                camera.look_at = target

    return adapt


def _bounded(server: viser.ViserServer) -> Any:
    """A handler that drops an upload once it is too large, by its own account or by what arrived."""

    def drop(client: int, message: FileTransferStartUpload | FileTransferPart) -> None:
        under_way = server.gui._current_file_upload_states
        state = under_way.get(message.transfer_uuid)
        if state is None:
            return
        arrived = sum(one["transferred_bytes"] for one in under_way.values())
        if max(state["total_bytes"], arrived) <= LARGEST_UPLOAD:
            return
        under_way.pop(message.transfer_uuid, None)
        if client in (clients := server.get_clients()):
            clients[client].add_notification(
                "The file is too large", f"An upload may have at most {LARGEST_UPLOAD >> 20} MB: downsample it first.",
                color="red",
            )  # fmt: skip

    return drop


def stop(server: viser.ViserServer) -> None:
    """Close all pages and the port."""
    with contextlib.redirect_stdout(io.StringIO()):
        server.stop()


def links(server: viser.ViserServer) -> list[str]:
    """The page's address; where the server listens on all networks, also the address of this machine in its network."""
    host, port = server.get_host(), server.get_port()
    if host not in ("0.0.0.0", "::"):
        return [f"http://{f'[{host}]' if ':' in host else host}:{port}"]
    found = [f"http://localhost:{port}"]
    with contextlib.suppress(OSError):
        found.append(f"http://{socket.gethostbyname(socket.gethostname())}:{port}")
    return found
