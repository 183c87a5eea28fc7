"""What uses what: audiences hold their lists, and what is above holds audiences."""

from unittest.mock import patch

import pytest

from audiences import lifecycle, usage
from audiences.models import Audience
from segments import usage as segment_usage
from sources import usage as source_usage
from tenants.isolation.context import tenant_context
from tests.audiences import scene
from tests.cast import Actor
from tests.imports.helpers import flat


@pytest.fixture
def winter(alice: Actor) -> Audience:
    with tenant_context(alice.workspace.pk):
        return scene.audience("Winter", include=[scene.source("Club")], exclude=[scene.segment("Staff")])


@pytest.mark.urls("cdp.workspace_urls")
def test_each_list_knows_its_audiences(alice: Actor, winter: Audience) -> None:
    with tenant_context(alice.workspace.pk):
        ids = {kind: pk for side in ("include", "exclude") for kind, pk in winter.definition[side]}
        page = f"/audiences/{winter.pk}/"
        (use,) = segment_usage.uses([ids["segment"]])[ids["segment"]]
        assert (use.kind, use.name, use.holds) == ("Audience", "Winter", True)
        assert use.url.endswith(page)
        (of_source,) = source_usage.uses(ids["source"])
        assert (of_source.kind, of_source.name) == ("Audience", "Winter")
        alike = scene.lookalike("Alike")
        scene.audience("Alike", include=[alike])
        assert [name for _kind, name, _url in usage.of_lookalike(alike.pk)] == ["Alike"]
        lifecycle.delete(winter, user_id=None)
        assert segment_usage.uses([ids["segment"]])[ids["segment"]] == []
        assert source_usage.uses(ids["source"]) == []


def test_a_list_in_use_is_not_deleted(alice: Actor, winter: Audience) -> None:
    ids = {kind: pk for side in ("include", "exclude") for kind, pk in winter.definition[side]}
    for path in (f"segments/{ids['segment']}/delete/", f"sources/{ids['source']}/remove/"):
        assert alice.post(path, {"confirm": "1"}).status_code == 409
        assert "Winter" in flat(alice.get(path).content.decode())


def test_what_uses_an_audience_holds_it(alice: Actor, winter: Audience) -> None:
    def of_syncs(ids: list[int]) -> list[tuple[int, str, str, str]]:
        return [(pk, "Data sync", "Winter to Google Ads", "/somewhere/") for pk in ids]

    with patch("contacts.extensions.audience_usage", return_value={"syncs": of_syncs}):
        page = flat(alice.get(f"audiences/{winter.pk}/").content.decode())
        assert "Winter to Google Ads" in page
        assert alice.post(f"audiences/{winter.pk}/delete/").status_code == 409
    assert alice.post(f"audiences/{winter.pk}/delete/").status_code == 302


def test_nothing_of_another_workspace_is_named(alice: Actor, winter: Audience, charlie: Actor) -> None:
    ids = {kind: pk for side in ("include", "exclude") for kind, pk in winter.definition[side]}
    with tenant_context(charlie.workspace.pk):
        assert usage.of_source(ids["source"]) == []
        assert usage.of_segments([ids["segment"]]) == []
