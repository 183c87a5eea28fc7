"""Signing in at a network from a form: there and back, in the right workspace, and by nobody else."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from destinations.models import Destination
from tenants.isolation.context import tenant_context
from tenants.models import Membership
from tests.cast import Actor
from tests.destinations import scene

FORM = {
    "name": "Our ads",
    "field-customer_id": "123-456-7890",
    "field-terms": "accepted",
    "how": "sign_in",
    "token": "t1",
}


@pytest.fixture
def network(settings: Any) -> Any:
    with scene.google(settings) as found:
        yield found


def begin(alice: Actor) -> dict[str, str]:
    """Press the button; what the network is told."""
    answer = alice.post("destinations/new/google/", FORM)
    assert answer.status_code == 302
    return {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}


def back(alice: Actor, said: dict[str, str], **changed: str) -> Any:
    return alice.client.get(
        "/destinations/signed-in/", {"state": said["state"], "code": "code", **changed}, follow=True
    )


def made(alice: Actor) -> list[Destination]:
    with tenant_context(alice.workspace.pk):
        return list(Destination.objects.filter(archived_at=None))


def test_the_form_may_lead_to_the_network_and_nowhere_else(alice: Actor, network: Any) -> None:
    policy = alice.get("destinations/new/google/")["Content-Security-Policy"]
    assert "form-action 'self' https://accounts.google.com;" in policy
    assert "form-action 'self';" in alice.get("destinations/new/webhook/")["Content-Security-Policy"]


def test_there_and_back_makes_a_connection(alice: Actor, network: Any) -> None:
    said = begin(alice)
    assert said["redirect_uri"].endswith("/destinations/signed-in/")
    page = back(alice, said).content.decode()
    assert "Google Ads is connected." in page
    (destination,) = made(alice)
    assert (destination.name, destination.settings["customer_id"]) == ("Our ads", "1234567890")
    assert "Begin again" in back(alice, said).content.decode(), "a second time it is nobody's"
    assert len(made(alice)) == 1


def test_a_renewal_keeps_the_destination(alice: Actor, network: Any) -> None:
    back(alice, begin(alice))
    (destination,) = made(alice)
    answer = alice.post(f"destinations/{destination.pk}/reconnect/", {**FORM, "field-customer_id": "999-456-7890"})
    said = {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}
    back(alice, said)
    (again,) = made(alice)
    assert (again.pk, again.settings["customer_id"]) == (destination.pk, "9994567890")


@pytest.mark.parametrize("changed", [{"state": "x"}, {"state": ""}, {"code": ""}])
def test_what_was_not_begun_here_changes_nothing(alice: Actor, network: Any, changed: dict[str, str]) -> None:
    said = begin(alice)
    assert back(alice, said, **changed).status_code == 200
    assert made(alice) == []


def test_somebody_else_cannot_finish_it(alice: Actor, charlie: Actor, network: Any) -> None:
    said = begin(alice)
    charlie.client.get("/destinations/signed-in/", {"state": said["state"], "code": "code"})
    assert made(alice) == made(charlie) == []


def test_who_may_not_any_more_by_then_changes_nothing(alice: Actor, network: Any) -> None:
    said = begin(alice)
    with tenant_context(alice.workspace.pk):
        Membership.objects.filter(user=alice.user).update(role="marketer")
    assert back(alice, said).status_code == 404
    assert made(alice) == []


def test_without_a_client_of_the_platform_nobody_is_asked_to_sign_in(alice: Actor, settings: Any) -> None:
    settings.GOOGLE_CLIENT_ID = settings.GOOGLE_CLIENT_SECRET = ""
    assert "Sign in at" not in alice.get("destinations/new/google/").content.decode()
    assert alice.post("destinations/new/google/", FORM).status_code == 422
