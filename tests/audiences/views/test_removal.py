"""Deleting an audience after a question, and restoring it."""

from audiences.models import Audience
from tenants.isolation.context import tenant_context
from tests.audiences import scene
from tests.cast import Actor
from tests.imports.helpers import flat


def test_it_is_asked_deleted_listed_and_restored(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        club = scene.segment("Club", [scene.contact("a@example.com")])
        audience = scene.audience("Winter", include=[club])
    page = flat(alice.get(f"audiences/{audience.pk}/delete/").content.decode())
    assert "You can restore it for 30 days" in page
    assert alice.post(f"audiences/{audience.pk}/delete/").status_code == 302
    assert alice.post(f"audiences/{audience.pk}/delete/").status_code == 404
    assert "Winter" not in alice.get("audiences/").content.decode().split("</h1>")[1].split("toast")[0]
    assert "Winter" in alice.get("audiences/?show=deleted").content.decode()
    assert "was deleted" in flat(alice.get(f"audiences/{audience.pk}/").content.decode())
    with tenant_context(alice.workspace.pk):
        scene.audience("Winter", include=[club])
    taken = alice.post(f"audiences/{audience.pk}/restore/", {"name": "Winter"})
    assert taken.status_code == 422
    assert "already exists" in flat(taken.content.decode())
    assert alice.post(f"audiences/{audience.pk}/restore/", {"name": "Winter 2"}).status_code == 302
    scene.run_all(alice.workspace)
    assert len(scene.members_of(alice.workspace, audience)) == 1
    with tenant_context(alice.workspace.pk):
        assert Audience.objects.filter(archived_at=None).count() == 2


def test_a_viewer_deletes_nothing(alice: Actor, member: object) -> None:
    with tenant_context(alice.workspace.pk):
        audience = scene.audience("Winter", include=[scene.segment("Club")])
    viewer = member("viewer")  # type: ignore[operator]
    for part in ("delete", "restore", "edit"):
        assert viewer.get(f"audiences/{audience.pk}/{part}/").status_code == 404
        assert viewer.post(f"audiences/{audience.pk}/{part}/").status_code == 404
