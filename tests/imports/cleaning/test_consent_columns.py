"""Columns about consent are known by name, whoever has made the file; one that is left out is asked about."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.models import Contact
from contacts.values.parsers import BadValue
from imports.cleaning import consent_columns
from imports.mapping import guess
from imports.models import Import
from segments import membership
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import again, bring, receive, work

# Name of the column, a cell, channel and status. By program, as their exports and documents have them.
KNOWN = [
    # our own
    ("E-mail status", "Unsubscribed", "email", "unsubscribed"),
    ("Phone status", "blacklisted", "phone", "blacklisted"),
    ("email_status", "spam", "email", "spam"),
    ("phone_status", "active", "phone", "active"),
    # Mailchimp
    ("UNSUB_TIME", "2024-03-01 10:00:00", "email", "unsubscribed"),
    ("CLEAN_TIME", "2024-03-01 10:00:00", "email", "blacklisted"),
    ("Email Marketing", "Unsubscribed", "email", "unsubscribed"),
    ("Email Marketing", "Cleaned", "email", "blacklisted"),
    ("Email Marketing Status", "non-subscribed", "email", "unsubscribed"),
    # Klaviyo
    ("Email Marketing Consent", "NEVER_SUBSCRIBED", "email", "not_confirmed"),
    ("Email Marketing Consent", "UNSUBSCRIBED", "email", "unsubscribed"),
    ("SMS Marketing Consent", "UNSUBSCRIBED", "phone", "blacklisted"),
    ("Email Suppressions", "HARD_BOUNCE", "email", "blacklisted"),
    ("$consent", "no", "email", "unsubscribed"),
    # HubSpot
    ("Unsubscribed from all email", "true", "email", "unsubscribed"),
    ("hs_email_optout", "true", "email", "unsubscribed"),
    ("Marketing contact status", "Non-marketing contact", "email", "unsubscribed"),
    ("Email hard bounced", "true", "email", "blacklisted"),
    # Brevo
    ("Email blocklisted", "yes", "email", "blacklisted"),
    ("SMS blocklisted", "yes", "phone", "blacklisted"),
    ("OPT_IN", "false", "email", "unsubscribed"),
    ("DOUBLE_OPT-IN", "1", "email", "active"),
    # listmonk
    ("status", "blocklisted", "email", "blacklisted"),
    ("status", "disabled", "email", "unsubscribed"),
    ("subscription_status", "unconfirmed", "email", "not_confirmed"),
    # Mautic
    ("doNotContact", "1", "email", "unsubscribed"),
    ("dnc", "bounced", "email", "blacklisted"),
    # Shopify
    ("Accepts Email Marketing", "no", "email", "unsubscribed"),
    ("Accepts SMS Marketing", "no", "phone", "blacklisted"),
    ("accepts_marketing", "true", "email", "active"),
    ("Email Marketing: Status", "unsubscribed", "email", "unsubscribed"),
    # MailerLite, ActiveCampaign, Campaign Monitor, Salesforce
    ("Status", "Junk", "email", "spam"),
    ("Status", "Unconfirmed", "email", "not_confirmed"),
    ("Subscriber Status", "Bounced", "email", "blacklisted"),
    ("HasOptedOutOfEmail", "TRUE", "email", "unsubscribed"),
    ("Email Opt Out", "1", "email", "unsubscribed"),
    # people's own
    ("Subscribed", "no", "email", "unsubscribed"),
    ("Subscribed?", "N", "email", "unsubscribed"),
    ("Newsletter", "nein", "email", "unsubscribed"),
    ("Unsubscribed at", "01.02.2024", "email", "unsubscribed"),
    ("Unsubscribe date", "1711929600", "email", "unsubscribed"),
    ("Spam complaint", "yes", "email", "spam"),
    ("Do not email", "x", "email", "unsubscribed"),
    ("Do not call", "yes", "phone", "blacklisted"),
    ("Abgemeldet am", "01.02.2024", "email", "unsubscribed"),
    ("Werbeeinwilligung", "nein", "email", "unsubscribed"),
    ("Consentement marketing", "non", "email", "unsubscribed"),
    ("Désabonné", "oui", "email", "unsubscribed"),
    ("Fecha de baja", "01/02/2024", "email", "unsubscribed"),
    ("Consenso", "no", "email", "unsubscribed"),
    ("Toestemming", "nee", "email", "unsubscribed"),
    ("Zgoda marketingowa", "nie", "email", "unsubscribed"),
    ("Согласие на рассылку", "нет", "email", "unsubscribed"),
    ("Згода на розсилку", "ні", "email", "unsubscribed"),
    ("Atrakstījies", "jā", "email", "unsubscribed"),
]


@pytest.mark.parametrize(("name", "cell", "channel", "status"), KNOWN)
def test_known_by_name(name: str, cell: str, channel: str, status: str) -> None:
    found = consent_columns.meaning(name)
    assert found is not None
    assert found.channel == channel
    assert consent_columns.reader(name, channel)(cell) == status
    assert consent_columns.looks_like(name, [cell])
    target = guess.guess(["email", name], [["a@example.com"], [cell]], attributes={})[1].target
    assert target == f"{channel}_status"


@pytest.mark.parametrize("cell", ["no", "0", "false", "nein", "нет"])
@pytest.mark.parametrize("name", ["Unsubscribed", "Bounced", "Spam", "Email Opt Out", "Do not contact"])
def test_no_in_a_column_of_refusals_says_nothing(name: str, cell: str) -> None:
    assert consent_columns.reader(name, "email")(cell) is None


# Names that are about something else, or about consent without saying whether there is one.
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Order status", ["paid", "open"]),
        ("Marital status", ["single", "married"]),
        ("Status", ["lead", "customer"]),
        ("Status", ["gold", "silver"]),
        ("State", ["NY", "CA"]),
        ("Estado", ["Jalisco", "Puebla"]),
        ("UNSUB_REASON", ["too many mails"]),
        ("UNSUB_CAMPAIGN_TITLE", ["Spring"]),
        ("OPTIN_IP", ["192.0.2.1"]),
        ("OPTIN_TIME", ["2024-03-01 10:00:00"]),
        ("Consent date", ["2024-03-01"]),
        ("Subscription plan", ["basic", "pro"]),
        ("Newsletter name", ["Weekly"]),
        ("Bounce rate", ["0.2"]),
        ("Active", ["yes", "no"]),
        ("First name", ["Ann"]),
        ("Notes on consent ref", ["A-1"]),
    ],
)
def test_not_taken_for_consent(name: str, values: list[str]) -> None:
    assert not consent_columns.looks_like(name, values)
    assert not consent_columns.fits(name, values)


@pytest.mark.parametrize("value", ["unsubscribed", "SUBSCRIBED", "Opted out", "hard_bounce", "Cleaned"])
def test_cells_tell_whatever_the_name(value: str) -> None:
    assert consent_columns.looks_like("Field 7", ["x", value])


def test_a_word_that_means_none_is_said() -> None:
    with pytest.raises(BadValue, match="not_a_status"):
        consent_columns.reader("Unsubscribed", "email")("perhaps")


@given(name=st.text(max_size=60), values=st.lists(st.text(max_size=40), max_size=5))
def test_any_name_and_cells_are_judged(name: str, values: list[str]) -> None:
    consent_columns.looks_like(name, values)
    if consent_columns.fits(name, values):
        found = consent_columns.meaning(name)
        assert found is not None
        assert guess.guess([name], [values], attributes={})[0].target == f"{found.channel}_status"


# --- several columns --------------------------------------------------------------------------------------------------


def test_the_strictest_of_several_columns_counts(tenant: Tenant) -> None:
    file = (
        "Email Address,UNSUB_TIME,CLEAN_TIME\na@example.com,,\nb@example.com,2024-03-01 10:00:00,\n"
        "c@example.com,,2024-03-01 10:00:00\nd@example.com,2024-03-01 10:00:00,2024-03-01 10:00:00\n"
    )
    bring(tenant, file)
    assert statuses(tenant) == ["active", "unsubscribed", "blacklisted", "unsubscribed"]


def statuses(tenant: Tenant) -> list[str]:
    with tenant_context(tenant.pk):
        return list(Contact.objects.order_by("email").values_list("email_status", flat=True))


# --- a column that is left out ----------------------------------------------------------------------------------------

STRANGE = "email,Field 7\na@example.com,subscribed\nb@example.com,unsubscribed\n"


def test_no_start_without_an_answer(tenant: Tenant) -> None:
    from imports.wizard.column_choices import BadMapping

    with pytest.raises(BadMapping, match="not mapped to a field: Field 7"):
        bring(tenant, STRANGE)
    with pytest.raises(BadMapping, match="want to skip it"):
        bring(tenant, STRANGE, review=True)
    bring(tenant, STRANGE, maps={"Field 7": "email_status"})
    assert statuses(tenant) == ["active", "unsubscribed"]
    assert bring(tenant, STRANGE, maps={"Field 7": "skip"}).unchanged == 2


@pytest.mark.parametrize("button", [{}, {"without_review": "yes"}])
def test_the_page_asks(alice: Actor, button: dict[str, str]) -> None:
    imp = receive(alice.workspace, STRANGE)
    page = alice.get(f"imports/{imp.pk}/").content.decode()
    assert "This looks like consent data" in page
    form = {"column-0": "email", "column-1": "skip", **OPTIONS, **button}
    answer = alice.post(f"imports/{imp.pk}/start/", form)
    assert answer.status_code == 422
    assert "not mapped to a field: Field 7" in answer.content.decode()
    assert again(alice.workspace, imp).phase == "draft"
    assert alice.post(f"imports/{imp.pk}/start/", {**form, "leave-1": "on"}).status_code == 302
    done = work(alice.workspace, imp)
    assert done.mapping[1]["left_out"] is True
    assert done.status == ("imported" if button else "ready_for_review")


OPTIONS: dict[str, Any] = {
    "task": "contacts", "mode": "create_and_update", "existing": "overwrite", "blank": "keep", "duplicates": "last",
    "bad_value": "error", "identify_by": "all", "deleted": "skip", "consent": "stricter",
}  # fmt: skip


def test_the_review_shows_the_statuses(alice: Actor) -> None:
    imp = bring(alice.workspace, STRANGE, maps={"Field 7": "email_status"}, review=True)
    page = alice.get(f"imports/{imp.pk}/").content.decode()
    assert "Statuses that will be set" in page
    assert imp.review["statuses"] == [{"key": "email_status", "status": "unsubscribed", "contacts": 1}]


# --- our own export ---------------------------------------------------------------------------------------------------


def test_contact_id_of_our_export_is_not_the_customers(tenant: Tenant) -> None:
    file = (
        '"E-mail","External ID","E-mail status","Phone status","Segments","Contact ID","Created by","Created at",'
        '"Changed at"\n'
        '"a@example.com","","unsubscribed","active","One|T\\|wo","7","import","2024-01-01T00:00:00+00:00",""\n'
    )
    imp: Import = bring(tenant, file)
    with tenant_context(tenant.pk):
        contact = Contact.objects.get()
        assert (contact.external_id, contact.email_status) == (None, "unsubscribed")
        assert [s.name for s in membership.of_contact(contact.pk)] == ["One", "T|wo"]
    assert imp.created == 1


def test_contact_id_of_others_is_theirs(tenant: Tenant) -> None:
    bring(tenant, "Contact ID,Email,Created by\n77,a@example.com,Bob\n")
    with tenant_context(tenant.pk):
        assert Contact.objects.get().external_id == "77"


@given(st.lists(st.text(min_size=1, max_size=20).map(str.strip).filter(bool), max_size=5, unique=True))
def test_names_of_segments_survive_a_list(names: list[str]) -> None:
    assert membership.split("|".join(map(membership.escaped, names))) == names
