"""Homes for servers that a test starts itself."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdp.stack.machine import take_lock
from tests.servers import new_home, throw_away


@pytest.fixture
def empty_home() -> Iterator[Path]:
    """A state folder with nothing in it."""
    path = new_home()
    with contextlib.closing(take_lock(path / "lock")):
        yield path
    throw_away(path)
