"""The servers that the tests of connectors talk to."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.connectors import scene


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    """Each test has folders of its own."""
    settings.CONNECTOR_DIR = tmp_path / "connectors"
    return tmp_path


@pytest.fixture(scope="session")
def sftp() -> Iterator[scene.Sftp]:
    with scene.sftp_server() as server:
        yield server
