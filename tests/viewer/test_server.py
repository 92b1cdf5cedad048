"""Who may talk to the server of a page."""

from __future__ import annotations

import http.client

import pytest

from isofield import io

viser = pytest.importorskip("viser", reason="viser is not installed")
from websockets.exceptions import InvalidStatus  # noqa: E402
from websockets.sync.client import connect  # noqa: E402

from isofield.viewer import open_viewer  # noqa: E402
from isofield.viewer.server import stranger  # noqa: E402


@pytest.fixture
def port(ball, tmp_path):
    io.write_mesh(ball, tmp_path / "ball.ply")
    viewer = open_viewer(tmp_path / "ball.ply", port=0)
    yield viewer.server.get_port()
    viewer.stop()


def test_pages_of_other_sites_are_refused(port):
    def answered(origin: str | None) -> bool:
        protocols = [f"viser-v{viser.__version__}"]
        with connect(f"ws://127.0.0.1:{port}", origin=origin, subprotocols=protocols, max_size=None) as socket:
            return len(socket.recv(timeout=60)) > 0

    assert answered(f"http://127.0.0.1:{port}") and answered(None)
    for origin in ("http://evil.example", f"http://evil.example:{port}", f"http://127.0.0.1:{port + 1}", "null"):
        with pytest.raises(InvalidStatus, match="403"):
            answered(origin)


def test_another_name_for_this_machine_is_refused(port):
    def status(host: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/", headers={"Host": host})
        return connection.getresponse().status

    assert status(f"localhost:{port}") == 200 and status("127.0.0.1:8080") == 200  # as behind a tunnel
    assert status(f"evil.example:{port}") == 403


def test_a_server_for_all_networks_has_many_names():
    assert not stranger({"Host": "lab.example:8080", "Origin": "http://lab.example:8080"}, "0.0.0.0")
    assert stranger({"Host": "lab.example:8080", "Origin": "http://evil.example"}, "0.0.0.0")
    assert not stranger({"Host": "[::1]:8080"}, "::1")
