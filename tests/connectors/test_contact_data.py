"""An erasure reaches the archives of connectors."""

import gzip

import pytest
from django.utils import timezone

from connectors import contact_data, folders, usage
from connectors.models import Connector
from tenants import file_removals
from tenants.isolation.context import tenant_context
from tests.cast import Actor

ANN = [("email", "ann@example.com"), ("phone", "+442079460011")]


@pytest.mark.parametrize(
    ("content", "gone"),
    [
        (b"email\nANN@example.com\n", True),
        (b"phone\n020 7946 0011\n", True),
        ("email\nann@example.com\n".encode("utf-16"), True),
        (gzip.compress(b"email\nben@example.com\n", mtime=0), True),
        (b"email\nben@example.com\n", False),
        (b"", False),
    ],
)
def test_files_that_may_name_the_person_are_removed(alice: Actor, content: bytes, gone: bool) -> None:
    with tenant_context(alice.workspace.pk):
        made = Connector.objects.create(
            name="Shop", login=f"shop{alice.workspace.pk}", protocol="sftp", secret_at=timezone.now()
        )
        place = folders.of(alice.workspace.pk, made.pk)
        place.root.mkdir(parents=True)
        place.make()
        waiting = place.incoming / "people.csv"
        waiting.write_bytes(content)
        paths = [place.jail / folder / "20260531T100000Z-1-people.csv" for folder in ("done", "failed")]
        for path in paths:
            path.write_bytes(content)
        usage.note(alice.workspace.pk, made.pk)
        contact_data.erase([17], ANN)
    assert [path.exists() for path in paths] == [True] * 2, "before the commit nothing goes"
    file_removals.work(alice.workspace.pk)
    assert [path.exists() for path in paths] == [not gone] * 2
    with tenant_context(alice.workspace.pk):
        assert usage.stored_bytes() == len(content) * (1 if gone else 3)
    assert waiting.exists(), "what waits is imported by the rules, which know whom was erased"
