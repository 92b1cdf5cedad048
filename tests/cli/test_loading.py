"""Modules are loaded without collections of garbage."""

from __future__ import annotations

import gc
import sys

import pytest

from isofield.cli.fit_job import loading


def test_garbage_is_collected_again_after_the_modules_are_loaded(monkeypatch):
    monkeypatch.delitem(sys.modules, "trimesh", raising=False)
    try:
        with pytest.raises(ImportError), loading():
            assert not gc.isenabled()
            raise ImportError
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_nothing_changes_where_the_modules_are_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "trimesh", sys)
    before = gc.get_freeze_count()
    with loading():
        assert gc.isenabled()
    assert gc.get_freeze_count() == before
