"""The page of an audience, its parts, and its file."""

import csv
import io

import pytest

from audiences.models import Audience
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.audiences import scene
from tests.cast import Actor
from tests.imports.helpers import flat

PARTS = ("", "state/", "remain/", "shared/", "reach/", "history/", "edit/", "delete/")


@pytest.fixture
def winter(alice: Actor) -> Audience:
    with tenant_context(alice.workspace.pk):
        ids = [scene.contact(f"c{i}@example.com", first_name=f"Ann {i}") for i in range(60)]
        ids.append(scene.contact("evil@example.com", first_name="=cmd|' /C calc'!A0", external_id="E,1"))
        gone = scene.contact("refused@example.com", "denied", first_name="Refused")
        audience = scene.audience("Winter", include=[scene.segment("Club", [*ids, gone])], use="google")
    scene.run_all(alice.workspace)
    return audience


def test_the_page_tells_all(alice: Actor, winter: Audience) -> None:
    page = flat(alice.get(f"audiences/{winter.pk}/").content.decode())
    for said in ("Google Ads", "Club", "agreed to ads", "61", "Ann 9", "Nothing uses this audience yet", "Up to date"):
        assert said in page
    assert "Refused" not in page
    assert "said no 1" in flat(alice.get(f"audiences/{winter.pk}/remain/").content.decode())
    assert "Who entered and left" in page
    assert alice.url(f"lookalikes/new/?kind=audience&amp;list={winter.pk}") in page
    form = alice.get(f"lookalikes/new/?kind=audience&list={winter.pk}").content.decode()
    assert "Like Winter" in form


def test_members_are_paged(alice: Actor, winter: Audience) -> None:
    first = alice.get(f"audiences/{winter.pk}/").content.decode()
    (after,) = {part.split('"')[0] for part in first.split("?after=")[1:]}
    second = alice.get(f"audiences/{winter.pk}/?after={after}").content.decode()
    assert "First page" in second
    for n in range(60):
        assert (f"Ann {n}<" in first) != (f"Ann {n}<" in second), n


def test_the_file_has_the_members_and_no_formula(alice: Actor, winter: Audience) -> None:
    response = alice.post(f"audiences/{winter.pk}/members.csv")
    text = b"".join(response.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 61
    (evil,) = [row for row in rows if row["external_id"] == "E,1"]
    assert evil["first_name"].startswith("'=")
    assert {row["ads_consent"] for row in rows} == {"granted"}
    with tenant_context(alice.workspace.pk):
        assert AuditEntry.objects.filter(verb="audience.exported").count() == 1
    assert alice.get(f"audiences/{winter.pk}/members.csv").status_code == 405


def test_who_may_not_export_has_no_file(alice: Actor, winter: Audience, member: object) -> None:
    viewer = member("viewer")  # type: ignore[operator]
    assert viewer.post(f"audiences/{winter.pk}/members.csv").status_code == 404
    assert "Download as CSV" not in viewer.get(f"audiences/{winter.pk}/").content.decode()


@pytest.mark.parametrize("part", PARTS)
def test_strangers_see_nothing(winter: Audience, charlie: Actor, part: str) -> None:
    assert charlie.get(f"audiences/{winter.pk}/{part}").status_code == 404


def test_it_is_compared_again_by_a_button(alice: Actor, winter: Audience) -> None:
    assert alice.post(f"audiences/{winter.pk}/refresh/").status_code == 302
    assert "Being compared" in flat(alice.get(f"audiences/{winter.pk}/state/").content.decode())


def test_there_is_a_way_to_it_from_its_lists(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        segment, source = scene.segment("Club"), scene.source("Fair")
    for path, value in (
        (f"segments/{segment.pk}/", f"segment:{segment.pk}"),
        (f"sources/{source.pk}/", f"source:{source.pk}"),
    ):
        assert f"audiences/new/?include={value}" in alice.get(path).content.decode()
    page = flat(alice.get(f"audiences/new/?include=segment:{segment.pk}").content.decode())
    assert f'<option value="segment:{segment.pk}" selected>' in page
