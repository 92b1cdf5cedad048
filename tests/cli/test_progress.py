"""Ctrl-C in libraries that swallow it, and in the first look at a cloud."""

from __future__ import annotations

import signal
import time
from importlib import import_module

import numpy as np
import pytest

from isofield.api.fit import first_look
from isofield.cli.progress import listen
from isofield.types import Cloud

SWALLOWS = """
import signal
try:
    signal.raise_signal(signal.SIGINT)
except BaseException:
    pass
"""


@pytest.fixture
def heard():
    """SIGINT as the commands hear it."""
    before = signal.getsignal(signal.SIGINT)
    listen()
    yield
    signal.signal(signal.SIGINT, before)


def test_an_import_that_swallows_exceptions_does_not_swallow_an_interruption(heard, tmp_path, monkeypatch):
    (tmp_path / "swallows.py").write_text(SWALLOWS)
    monkeypatch.syspath_prepend(tmp_path)
    imported = False
    with pytest.raises(KeyboardInterrupt):
        import_module("swallows")
        imported = True
        time.sleep(20)
    assert imported


def test_elsewhere_it_interrupts_at_once(heard):
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_first_look_that_is_interrupted_gives_no_field(heard, torus, share):
    """What it has so far is not the answer: the fit of all points has to hear of the interruption."""
    cloud: Cloud = torus(4000)
    begun = time.perf_counter()
    first_look(cloud)
    seconds, fired = time.perf_counter() - begun, []

    def ring(number: int, frame: object) -> None:
        fired.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, share * seconds)
        try:
            found = first_look(cloud)
        except KeyboardInterrupt:
            return
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        assert not fired and np.isfinite(found(np.zeros((1, 3)))).all()  # it was done before
    finally:
        signal.signal(signal.SIGALRM, before)
