"""Our export imported into an empty workspace gives the same contacts: values, statuses and segments, whatever they are."""

import io
from functools import partial
from typing import Any
from unicodedata import normalize

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.bulk import export
from contacts.models import Attribute, BulkAction, Contact
from contacts.values import channel_status
from contacts.values.identifiers import name_key
from segments import membership
from segments.models import Member
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import person, workspace
from tests.imports.helpers import bring, proved

FIELDS = {
    "tier": "text", "points": "integer", "balance": "decimal", "vip": "boolean", "since": "date", "likes": "choices",
}  # fmt: skip
OPTIONS = ["Red", "Blue", "Green"]

_plain = st.characters(codec="utf-8", exclude_categories=("C", "Z", "M"))
# In the one form in which texts are stored (NFC): a compatibility ideograph is never in a contact.
words = st.text(_plain, min_size=1, max_size=12).map(partial(normalize, "NFC")).map(str.strip).filter(bool)
odd = ["=1+1", "+x", "-x", "@cmd", "O'Hara", "'quoted", 'a "b"', "a;b,c", "T|wo", "b\\s"]
names = st.one_of(words, st.sampled_from(odd))
attributes = st.fixed_dictionaries(
    {},
    optional={
        "tier": names,
        "points": st.integers(-(10**12), 10**12),
        "balance": st.decimals(-(10**12), 10**12, places=2).filter(lambda d: d.is_finite()),
        "vip": st.booleans(),
        "since": st.dates().map(lambda d: d.isoformat()).filter(lambda d: d >= "1900"),
        "likes": st.lists(st.sampled_from(OPTIONS), min_size=1, unique=True),
        "city": names,
    },
)
people = st.fixed_dictionaries(
    {
        "email_status": st.sampled_from(channel_status.EMAIL_ORDER),
        "phone_status": st.sampled_from(channel_status.PHONE_ORDER),
        "attributes": attributes,
        "segments": st.sets(st.sampled_from(["One", "T|wo", "a\\", "=Three"])),
    },
    optional={"first_name": names, "last_name": names},
)


def state(tenant: Tenant) -> dict[str | None, Any]:
    with tenant_context(tenant.pk):
        found = {}
        for contact in Contact.objects.living():
            inside = {s.name for s in membership.of_contact(contact.pk)}
            found[contact.email] = (
                contact.phone, contact.external_id, contact.first_name, contact.last_name, contact.email_status,
                contact.phone_status, contact.attributes, inside,
            )  # fmt: skip
        return found


def made(contacts: list[dict[str, Any]]) -> Tenant:
    tenant = workspace(person("Alice"))
    with tenant_context(tenant.pk):
        _fields()
        for i, values in enumerate(contacts):
            inside = values.pop("segments")
            for key in ("first_name", "last_name"):
                if key in values:
                    values[key.replace("name", "key")] = name_key(values[key])
            contact = Contact.objects.create(
                email=f"p{i}@example.com", phone=f"+447911{i:06}", external_id=f"C-{i}", origin="manual", **values
            )
            for name in sorted(inside):
                segment = membership.named(name)
                Member.objects.create(
                    tenant_id=tenant.pk, segment_id=segment.pk, contact_id=contact.pk, added_at=contact.created_at
                )
    return tenant


def _fields() -> None:
    for key, kind in FIELDS.items():
        options = {option: option for option in OPTIONS} if kind == "choices" else {}
        Attribute.objects.create(key=key, label=key.title(), type=kind, options=options)


def exported(tenant: Tenant) -> str:
    with tenant_context(tenant.pk):
        file = io.StringIO()
        export.write(file, BulkAction(kind="export", selection={}, options={"mode": "safe"}))
        return file.getvalue()


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.lists(people, min_size=1, max_size=6))
def test_the_same_contacts(contacts: list[dict[str, Any]]) -> None:
    first = made(contacts)
    second = workspace(person("Bob"))
    with tenant_context(second.pk):
        _fields()
    imp = bring(second, exported(first))
    proved(second, imp)
    assert (imp.in_error, imp.created) == (0, len(contacts))
    assert state(second) == state(first)
    assert exported(second).splitlines()[0] == exported(first).splitlines()[0]
    # The same export into the workspace that it came from changes nothing.
    same = bring(first, exported(first))
    assert same.unchanged == len(contacts)
