"""What PostHog, Segment, Connectif and Yespo document of identification, as stories: what happens, whom each device is in
the end, how many visitors and contacts there are, and what was refused.

A step is a pair of what happens and its values: ("identify", "phone-of-anna", "email=anna@…") and the like. Devices are
named by letters; whose a visitor is, by the e-mail, external ID or phone of its contact.
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from django.utils import timezone

from contacts import write_lock
from contacts.duplicates import merge
from contacts.models import Alias, Change, Contact
from contacts.privacy import data_providers
from sources.ambiguities import sweep
from sources.models import Ambiguity
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.imports.helpers import bring
from tests.tracking.helpers import AGENT, device, entry, site_of
from tracking import links
from tracking.models import Event, Quarantine, Site, Visitor
from tracking.pixel import hits, inbox, inbox_consumer

ANNA, BOB, NEW, PHONE = "anna@example.com", "bob@example.com", "anna.new@example.com", "+447911123456"
Step = tuple[Any, ...]


@dataclass
class Story:
    """A workspace in which the steps of a scenario happen."""

    tenant: Tenant
    site: Site
    devices: dict[str, str] = field(default_factory=dict)
    contacts: dict[str, int] = field(default_factory=dict)
    at: float = field(default_factory=time.time)

    def run(self, steps: list[Step]) -> None:
        for name, *values in steps:
            self.at += 1
            getattr(self, name)(*values)
        sweep.run(self.tenant.pk)

    # --- what visitors do ---

    def page(self, on: str, url: str = "https://shop.example/") -> None:
        self.send(on, kind="page", url=url)

    def identify(self, on: str, **names: str) -> None:
        self.send(on, kind="identify", identifiers=names, url="https://shop.example/account")

    def form(self, on: str, **names: str) -> None:
        self.send(on, kind="track", name="Form submitted", identifiers=names, url="https://shop.example/newsletter")

    def order(self, on: str, **names: str) -> None:
        self.send(
            on, kind="order", identifiers=names, properties={"order_id": f"{self.at}"}, url="https://shop.example/pay"
        )

    def reset(self, on: str) -> None:
        """The pixel forgets its device: what comes next is of a new one."""
        self.devices[on] = device()

    def link(self, on: str, key: str) -> None:
        token = links.token(self.contacts[key], tenant_id=self.tenant.pk)
        self.page(on, f"https://shop.example/sale?cid={token}&color=red")

    def forged_link(self, on: str, key: str) -> None:
        token = links.token(self.contacts[key], tenant_id=self.tenant.pk + 1)
        self.page(on, f"https://shop.example/sale?cid={token}")

    def send(self, on: str, **hit: Any) -> None:
        body = orjson.dumps({"device": self.devices.setdefault(on, device()), **hit})
        parsed = hits.parse(body, agent=AGENT, opted_out=False)
        inbox_consumer.store(self.tenant.pk, [entry(self.site, parsed, at=self.at)])

    # --- what members and files do ---

    def file(self, rows: str, **options: Any) -> None:
        bring(self.tenant, f"external_id,email,phone\n{rows}\n", **options)

    def contact(self, key: str, **values: Any) -> None:
        with tenant_context(self.tenant.pk):
            made = Contact.objects.create(origin="manual", **values)
            self.contacts[key] = made.pk
            self._note(made.pk)

    def change(self, key: str, **values: Any) -> None:
        with tenant_context(self.tenant.pk):
            contact = Contact.objects.get(pk=self.contacts[key])
            for kind, value in values.items():
                if kind in ("external_id", "email", "phone") and getattr(contact, kind):
                    Alias.objects.create(kind=kind, value=getattr(contact, kind), contact_id=contact.pk)
                setattr(contact, kind, value)
            contact.save()
            self._note(contact.pk)

    def delete(self, key: str) -> None:
        self.change(key, deleted_at=timezone.now())

    def restore(self, key: str) -> None:
        self.change(key, deleted_at=None)

    def erase(self, key: str) -> None:
        with tenant_context(self.tenant.pk):
            contact = Contact.objects.get(pk=self.contacts[key])
            known = [
                (kind, getattr(contact, kind)) for kind in ("external_id", "email", "phone") if getattr(contact, kind)
            ]
            data_providers.erase([contact.pk], known)
            contact.delete()
            write_lock.lock()
            write_lock.bump_version()

    def merge(self, *keys: str) -> None:
        with tenant_context(self.tenant.pk):
            made = merge.merge([self.contacts[key] for key in keys], user_id=None)
            assert made is not None
            self.merged = made.pk

    def unmerge(self) -> None:
        with tenant_context(self.tenant.pk):
            merge.undo(self.merged, user_id=None)

    def hold(self, kind: str, value: str) -> None:
        with tenant_context(self.tenant.pk):
            Quarantine.objects.create(kind=kind, value=value, devices=11, others=0, at=timezone.now())

    def look(self) -> None:
        """A sweep of ambiguities, which comes each minute."""
        sweep.run(self.tenant.pk)

    def _note(self, contact_id: int) -> None:
        Change.objects.create(tenant_id=self.tenant.pk, at=timezone.now(), contact_id=contact_id)
        write_lock.lock()
        write_lock.bump_version()

    # --- what came of it ---

    def found(self, on: str) -> list[str | None]:
        """Whose the visitors of a device are, the first visitor first."""
        with tenant_context(self.tenant.pk):
            whose = list(
                Visitor.objects.filter(device=self.devices[on])
                .order_by("generation")
                .values_list("contact_id", flat=True)
            )
            people = Contact.objects.in_bulk([pk for pk in whose if pk])
        return [known(people[pk]) if pk else None for pk in whose]


def known(contact: Contact) -> str:
    return str(contact.email or contact.external_id or contact.phone)


# Name: (steps, device → whose its visitors are, living contacts, open ambiguities, drops)
Scenario = tuple[list[Step], dict[str, list[str | None]], int, int, dict[str, int]]
SCENARIOS: dict[str, Scenario] = {}


def scenario(
    name: str,
    *steps: Step,
    contacts: int,
    ambiguous: int = 0,
    drops: dict[str, int] | None = None,
    **devices: list[str | None],
) -> None:
    assert name not in SCENARIOS
    SCENARIOS[name] = (list(steps), devices, contacts, ambiguous, drops or {})


def by(on: str, **names: str) -> Step:
    """An identify call, as keywords."""
    return ("identify_by", on, names)


def _keywords(self: Story, on: str, names: dict[str, str]) -> None:
    self.identify(on, **names)


def _made(self: Story, key: str, values: dict[str, Any]) -> None:
    self.contact(key, **values)


def _formed(self: Story, on: str, names: dict[str, str]) -> None:
    self.form(on, **names)


def _ordered(self: Story, on: str, names: dict[str, str]) -> None:
    self.order(on, **names)


def _changed(self: Story, key: str, values: dict[str, Any]) -> None:
    self.change(key, **values)


Story.identify_by, Story.made, Story.formed = _keywords, _made, _formed  # type: ignore[attr-defined]
Story.ordered, Story.changed = _ordered, _changed  # type: ignore[attr-defined]


def person(key: str = "anna", **values: Any) -> Step:
    return ("made", key, values or {"email": ANNA})


A: Step = ("file", f"C-1,{ANNA},")
# --- anonymous, then known, in every order (PostHog: identify; Connectif: known e-mail) ---
scenario("an anonymous visitor stays anonymous", ("page", "a"), ("page", "a"), a=[None], contacts=0)
scenario(
    "pages before identify go to the contact",
    person(),
    ("page", "a"),
    ("page", "a"),
    by("a", email=ANNA),
    a=[ANNA],
    contacts=1,
)
scenario("identify before any page", person(), by("a", email=ANNA), ("page", "a"), a=[ANNA], contacts=1)
scenario("identify before the import", ("page", "a"), by("a", email=ANNA), A, a=[ANNA], contacts=1)
scenario("identify after the import", A, ("page", "a"), by("a", email=ANNA), a=[ANNA], contacts=1)
scenario("identify between two imports", ("file", f"C-2,{BOB},"), by("a", email=ANNA), A, a=[ANNA], contacts=2)
scenario("identify of somebody unknown makes no contact", by("a", email=ANNA), a=[None], contacts=0)
scenario(
    "identify twice with the same is once", person(), by("a", email=ANNA), by("a", email=ANNA), a=[ANNA], contacts=1
)
scenario("spelling of an e-mail does not matter", person(), by("a", email=" ANNA@Example.COM "), a=[ANNA], contacts=1)
scenario("case of an external ID does", person(external_id="C-1"), by("a", external_id="c-1"), a=[None], contacts=1)
scenario(
    "a phone with the country of the workspace",
    person(phone=PHONE),
    by("a", phone="07911 123456"),
    a=[PHONE],
    contacts=1,
)
scenario(
    "a phone that cannot be read is dropped alone",
    person(),
    by("a", email=ANNA, phone="12"),
    a=[ANNA],
    contacts=1,
    drops={"unreadable_phone": 1},
)
scenario(
    "a contact that is added later meets the visitor that waits",
    by("a", email=ANNA),
    ("look",),
    person(),
    a=[ANNA],
    contacts=1,
)
# --- e-mail, then ID (Segment: alias; PostHog: merging anonymous and identified) ---
scenario(
    "e-mail first, then the ID of the same contact",
    person(email=ANNA, external_id="C-1"),
    by("a", email=ANNA),
    by("a", external_id="C-1"),
    a=[ANNA],
    contacts=1,
)
scenario(
    "ID first, then an e-mail that nobody has",
    person(external_id="C-1"),
    by("a", external_id="C-1"),
    by("a", email=NEW),
    a=["C-1"],
    contacts=1,
)
scenario(
    "e-mail and ID wait, and a file knows both",
    by("a", email=ANNA),
    by("a", external_id="C-1", email=ANNA),
    A,
    a=[ANNA],
    contacts=1,
)
scenario(
    "an alias of the contact identifies it",
    person(email=NEW),
    ("changed", "anna", {"email": ANNA}),
    by("a", email=NEW),
    a=[ANNA],
    contacts=1,
)
scenario(
    "a changed e-mail: the visitor of the old one stays",
    person(),
    by("a", email=ANNA),
    ("changed", "anna", {"email": NEW}),
    by("a", email=ANNA),
    a=[NEW],
    contacts=1,
)
scenario(
    "a changed e-mail by a file: the old one still matches",
    A,
    ("file", f"C-1,{NEW},"),
    by("a", email=ANNA),
    a=[NEW],
    contacts=1,
)
scenario(
    "an old e-mail that another contact has now",
    person(email=NEW),
    ("changed", "anna", {"email": ANNA}),
    person("bob", email=NEW, external_id="C-2"),
    by("a", email=NEW),
    a=[NEW],
    contacts=2,
)
# --- one browser, several people (Connectif: tracker of somebody identified by another e-mail) ---
scenario(
    "a second person on one browser begins a new visitor",
    person(),
    person("bob", email=BOB),
    by("a", email=ANNA),
    by("a", email=BOB),
    a=[ANNA, BOB],
    contacts=2,
)
scenario(
    "pages after the second sign-in are the second person's",
    person(),
    person("bob", email=BOB),
    by("a", email=ANNA),
    by("a", email=BOB),
    ("page", "a"),
    a=[ANNA, BOB],
    contacts=2,
)
scenario(
    "the first person comes back on the shared browser",
    person(),
    person("bob", email=BOB),
    by("a", email=ANNA),
    by("a", email=BOB),
    by("a", email=ANNA),
    a=[ANNA, BOB, ANNA],
    contacts=2,
)
scenario(
    "a second person whom nobody knows", person(), by("a", email=ANNA), by("a", email=BOB), a=[ANNA, None], contacts=1
)
scenario(
    "sign-out without reset goes on as the same visitor",
    person(),
    by("a", email=ANNA),
    ("page", "a"),
    a=[ANNA],
    contacts=1,
)
scenario(
    "reset on sign-out begins an anonymous visitor",
    person(),
    by("a", email=ANNA),
    ("reset", "a"),
    ("page", "a"),
    a=[None],
    contacts=1,
)
scenario(
    "reset, then another person signs in",
    person(),
    person("bob", email=BOB),
    by("a", email=ANNA),
    ("reset", "a"),
    by("a", email=BOB),
    a=[BOB],
    contacts=2,
)
scenario(
    "two IDs with one e-mail on one browser are two people",
    by("a", external_id="C-1", email=ANNA),
    by("a", external_id="C-2", email=ANNA),
    a=[None, None],
    contacts=0,
)
scenario(
    "a family that shares an e-mail is not told apart",
    person(email=ANNA, external_id="C-1"),
    person("bob", email=ANNA, external_id="C-2"),
    by("a", email=ANNA),
    a=[None],
    contacts=2,
    ambiguous=1,
)
scenario(
    "a visitor of two people in one call is refused",
    person(),
    person("bob", phone=PHONE),
    by("a", email=ANNA, phone=PHONE),
    a=[None],
    contacts=2,
    ambiguous=1,
)
scenario(
    "a visitor of two rows of a file is refused",
    by("a", email=ANNA, phone=PHONE),
    ("file", f"C-1,{ANNA},\nC-2,,{PHONE}"),
    a=[None],
    contacts=2,
    ambiguous=1,
)
# --- one person, several browsers ---
scenario(
    "one person on two devices", person(), by("a", email=ANNA), by("b", email=ANNA), a=[ANNA], b=[ANNA], contacts=1
)
scenario(
    "two devices by different identifiers of one contact",
    person(email=ANNA, phone=PHONE),
    by("a", email=ANNA),
    by("b", phone=PHONE),
    a=[ANNA],
    b=[ANNA],
    contacts=1,
)
scenario(
    "two devices wait for one row of a file",
    by("a", email=ANNA),
    by("b", phone=PHONE),
    ("file", f"C-1,{ANNA},{PHONE}"),
    a=[ANNA],
    b=[ANNA],
    contacts=1,
)
scenario(
    "an unknown device does not become a known person",
    person(),
    by("a", email=ANNA),
    ("page", "b"),
    a=[ANNA],
    b=[None],
    contacts=1,
)
# --- merged, deleted, erased ---
scenario(
    "merged contacts have the visitors of both",
    person(),
    person("bob", phone=PHONE),
    by("a", email=ANNA),
    by("b", phone=PHONE),
    ("merge", "anna", "bob"),
    a=[ANNA],
    b=[ANNA],
    contacts=1,
)
scenario(
    "an identifier of the merged contact leads to the one that stays",
    person(),
    person("bob", email=BOB),
    ("merge", "anna", "bob"),
    by("a", email=ANNA),
    a=[BOB],
    contacts=1,
)
scenario(
    "undoing a merge gives the visitors back",
    person(),
    person("bob", phone=PHONE),
    by("a", email=ANNA),
    by("b", phone=PHONE),
    ("merge", "anna", "bob"),
    ("unmerge",),
    a=[ANNA],
    b=[PHONE],
    contacts=2,
)
scenario(
    "merging the two resolves what was ambiguous",
    person(),
    person("bob", phone=PHONE),
    by("a", email=ANNA, phone=PHONE),
    ("look",),
    ("merge", "anna", "bob"),
    a=[ANNA],
    contacts=1,
)
scenario("a deleted contact is not matched", person(), ("delete", "anna"), by("a", email=ANNA), a=[None], contacts=0)
scenario(
    "a restored contact is matched again",
    person(),
    ("delete", "anna"),
    by("a", email=ANNA),
    ("look",),
    ("restore", "anna"),
    a=[ANNA],
    contacts=1,
)
scenario(
    "of two candidates one is deleted: the other is who it is",
    person(),
    person("bob", phone=PHONE),
    by("a", email=ANNA, phone=PHONE),
    ("look",),
    ("delete", "bob"),
    a=[ANNA],
    contacts=1,
)
scenario("an erased person's visitors are gone", person(), by("a", email=ANNA), ("erase", "anna"), a=[], contacts=0)
scenario(
    "an erased person who comes again is a stranger",
    person(),
    by("a", email=ANNA),
    ("erase", "anna"),
    by("a", email=ANNA),
    a=[None],
    contacts=0,
)
# --- identifiers of everybody ---
scenario(
    "a quarantined ID ties nobody",
    ("hold", "external_id", "SHOP"),
    person(external_id="SHOP"),
    by("a", external_id="SHOP"),
    a=[None],
    contacts=1,
)
scenario(
    "beside a quarantined ID the e-mail decides",
    ("hold", "external_id", "SHOP"),
    person(),
    by("a", external_id="SHOP", email=ANNA),
    a=[ANNA],
    contacts=1,
)
scenario(
    "a quarantined ID in a file ties nobody",
    ("hold", "external_id", "SHOP"),
    by("a", external_id="SHOP"),
    ("file", f"SHOP,{ANNA},"),
    a=[None],
    contacts=1,
)
scenario(
    "placeholders are no identifiers",
    person(external_id="C-1"),
    by("a", external_id="null"),
    a=[None],
    contacts=1,
    drops={"unreadable_external_id": 1},
)
# --- forms and orders ---
scenario(
    "a form that is sent identifies", person(), ("page", "a"), ("formed", "a", {"email": ANNA}), a=[ANNA], contacts=1
)
scenario(
    "a form with somebody else's address begins a new visitor",
    person(),
    person("bob", email=BOB),
    by("a", email=ANNA),
    ("formed", "a", {"email": BOB}),
    a=[ANNA, BOB],
    contacts=2,
)
scenario("an order identifies", person(), ("page", "a"), ("ordered", "a", {"email": ANNA}), a=[ANNA], contacts=1)
scenario(
    "an order of a guest waits for the file",
    ("ordered", "a", {"email": ANNA, "phone": PHONE}),
    ("file", f"C-1,{ANNA},{PHONE}"),
    a=[ANNA],
    contacts=1,
)
# --- tracked links (Yespo: contact ID in the address) ---
scenario("a tracked link identifies", person(), ("page", "a"), ("link", "a", "anna"), a=[ANNA], contacts=1)
scenario(
    "a tracked link, then the sign-in of the same",
    person(),
    ("link", "a", "anna"),
    by("a", email=ANNA),
    a=[ANNA],
    contacts=1,
)
scenario(
    "a tracked link, then somebody else signs in",
    person(),
    person("bob", email=BOB),
    ("link", "a", "anna"),
    by("a", email=BOB),
    a=[ANNA, BOB],
    contacts=2,
)
scenario(
    "a forwarded link does not take a visitor away",
    person(),
    person("bob", email=BOB),
    by("a", email=BOB),
    ("link", "a", "anna"),
    ("page", "a"),
    a=[BOB],
    contacts=2,
    drops={"link_of_another": 1},
)
scenario(
    "a link signed by another workspace is dropped alone",
    person(),
    ("forged_link", "a", "anna"),
    a=[None],
    contacts=1,
    drops={"link_forged": 1},
)
scenario(
    "a link of a merged contact leads to the one that stays",
    person(),
    person("bob", email=BOB),
    ("merge", "anna", "bob"),
    ("link", "a", "anna"),
    ("link", "b", "bob"),
    a=[BOB],
    b=[BOB],
    contacts=1,
)
scenario(
    "a link of a deleted contact identifies nobody",
    person(),
    ("delete", "anna"),
    ("link", "a", "anna"),
    a=[None],
    contacts=0,
)
scenario(
    "a link of one and an e-mail of another that waits are two people",
    by("a", email=BOB),
    person(),
    ("link", "a", "anna"),
    person("bob", email=BOB, external_id="C-2"),
    ("reset", "x"),
    a=[ANNA],
    contacts=2,
)


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str, tenant: Tenant) -> None:
    steps, devices, contacts, ambiguous, drops = SCENARIOS[name]
    story = Story(tenant, site_of(tenant))
    story.run(steps)
    assert {on: story.found(on) for on in devices} == devices
    with tenant_context(tenant.pk):
        assert Contact.objects.living().count() == contacts
        assert Ambiguity.objects.filter(state="open").count() == ambiguous
        sent = sum(step[0] in ("page", "identify_by", "formed", "ordered", "link", "forged_link") for step in steps)
        erased = any(step[0] == "erase" for step in steps)
        assert erased or Event.objects.exclude(visitor_id=None).count() == sent, "no hit is lost for its identifier"
        assert not Event.objects.filter(url__contains="cid=").exists()
    assert Counter(inbox.drops(tenant_id=tenant.pk, site_id=story.site.pk)) == Counter(drops)


def test_there_are_at_least_forty() -> None:
    assert len(SCENARIOS) >= 40
