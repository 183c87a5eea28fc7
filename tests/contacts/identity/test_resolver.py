"""The rules of identity by number (docs/identity.md): staged rows in, contacts out, on the real database."""

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from django.utils import timezone

from contacts import staging as tables
from contacts import statements, write_lock
from contacts.consent.digest import suppression_digest
from contacts.identity import resolver
from contacts.identity.resolver import Policy, Resolved
from contacts.models import Contact, Suppression
from contacts.staging import Staging
from tenants.models import Tenant

NULLABLE = ("email", "email_written", "phone", "phone_written", "external_id", "first_name", "last_name")


@dataclass
class Outcome:
    """What became of staged rows: verdict codes, joined rows, outcomes, by row number."""

    resolved: Resolved
    codes: dict[int, str]
    joined: dict[int, int]
    outcomes: dict[int, str]
    changed: dict[int, list[str]] = field(default_factory=dict)


_import = iter(range(1_000_000_000))


def bring(tenant: Tenant, rows: list[dict[str, Any]], **policy: Any) -> Outcome:
    """Run rows through match, resolve, diff and apply; row numbers begin at 2, like lines of a file."""
    staging = Staging(tenant.pk, next(_import))
    rules = Policy(**policy)
    tables.create(staging)
    tables.copy_rows(staging, "".join(_line(tenant, no, row) for no, row in enumerate(rows, 2)))
    tables.settle(staging)
    tables.analyze(staging, "row")
    for kind in rules.identifiers:
        resolver.find_repeats(staging, kind)
    resolver.match(staging, rules, start=0, stop=10_000)
    resolved = resolver.resolve(staging, rules, key="secret")
    attributes = {key for row in rows for key in (*_attributes(row), *row.get("cleared", ()))}.difference(NULLABLE)
    resolver.diff(staging, rules, attributes=attributes, start=0, stop=10_000)
    resolver.apply(staging, rules, start=0, stop=10_000, origin="import", now=timezone.now())
    found = Outcome(
        resolved,
        dict(statements.fetch("SELECT row_no, code FROM {hit} h WHERE code IS NOT NULL", staging)),
        dict(statements.fetch("SELECT row_no, winner FROM {loser} l", staging)),
        dict(statements.fetch("SELECT row_no, outcome::text FROM {map} m", staging)),
        {
            row: list(orjson.loads(changed))
            for row, changed in statements.fetch(
                "SELECT row_no, changed FROM {map} m WHERE changed IS NOT NULL", staging
            )
        },
    )
    tables.drop(staging)
    return found


def _attributes(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k not in (*NULLABLE, "cleared", "settings")}


def _line(tenant: Tenant, no: int, row: dict[str, Any]) -> str:
    keys = {"first_key": row.get("first_name"), "last_key": row.get("last_name")}
    cells = [str(tenant.pk), str(no)]
    for column in tables.ROW_COLUMNS[2:-4]:
        value = row.get(column, keys.get(column))
        cells.append("\\N" if value is None else str(value).lower() if column.endswith("_key") else str(value))
    attributes = _attributes(row)
    cleared, settings = row.get("cleared"), row.get("settings")
    cells += [orjson.dumps(attributes).decode(), "{" + ",".join(cleared) + "}" if cleared else "\\N"]
    cells += [orjson.dumps(settings).decode() if settings else "\\N", "\\N"]
    return "\t".join(cells) + "\n"


def known(**values: Any) -> Contact:
    contact: Contact = Contact.objects.create(origin="manual", **values)
    return contact


def one(**values: Any) -> Contact:
    contact: Contact = Contact.objects.living().get(**values)
    return contact


def total() -> int:
    return int(Contact.objects.living().count())


# --- rule 2: external ID, then e-mail, then phone -------------------------------------------------------------------


def test_nobody_found_creates(inside: Tenant) -> None:
    out = bring(inside, [{"email": "a@example.com", "first_name": "Anna", "city": "Riga"}])
    assert out.outcomes == {2: "c"}
    contact = one(email="a@example.com")
    assert (contact.first_name, contact.first_key, contact.attributes) == ("Anna", "anna", {"city": "Riga"})
    assert contact.origin == "import"


@pytest.mark.parametrize("identifier", [{"external_id": "C-1"}, {"email": "a@example.com"}, {"phone": "+447911123456"}])
def test_one_found_matches(inside: Tenant, identifier: dict[str, str]) -> None:
    contact = known(**identifier, attributes={"city": "Riga"})
    out = bring(inside, [{**identifier, "city": "Oslo"}])
    assert out.outcomes == {2: "u"}
    assert out.changed == {2: ["city"]}
    contact.refresh_from_db()
    assert contact.attributes == {"city": "Oslo"}
    assert total() == 1


@pytest.mark.parametrize(
    ("one_has", "other_has"),
    [
        ({"external_id": "C-1"}, {"email": "b@example.com"}),
        ({"external_id": "C-1", "email": "a@example.com"}, {"external_id": "C-2", "email": "b@example.com"}),
        ({"email": "b@example.com"}, {"phone": "+447911123456"}),
        ({"external_id": "C-1"}, {"phone": "+447911123456"}),
    ],
)
def test_two_people_is_a_conflict(inside: Tenant, one_has: dict[str, str], other_has: dict[str, str]) -> None:
    known(**one_has)
    known(**other_has)
    before = list(Contact.objects.order_by("pk").values())
    row = {**other_has, **one_has}
    if "email" in other_has:
        row["email"] = other_has["email"]
    out = bring(inside, [row])
    assert out.codes == {2: "ambiguous_match"}
    assert out.outcomes == {}
    assert list(Contact.objects.order_by("pk").values()) == before


def test_a_shared_email_that_nothing_decides_is_a_conflict(inside: Tenant) -> None:
    known(email="a@example.com", first_name="Anna")
    known(email="a@example.com", first_name="Aija")
    assert bring(inside, [{"email": "a@example.com"}]).codes == {2: "shared_identifier"}


def test_a_weaker_identifier_tells_shared_emails_apart(inside: Tenant) -> None:
    known(email="a@example.com", phone="+447911123456")
    other = known(email="a@example.com", phone="+447911123457")
    out = bring(inside, [{"email": "a@example.com", "phone": "+447911123457", "city": "Riga"}])
    assert out.outcomes == {2: "u"}
    other.refresh_from_db()
    assert other.attributes == {"city": "Riga"}


def test_identifiers_can_be_narrowed(inside: Tenant) -> None:
    known(email="a@example.com")
    known(phone="+447911123456")
    row = {"email": "a@example.com", "phone": "+447911123456"}
    assert bring(inside, [row], identifiers=("email",)).outcomes == {2: "u"}


# --- rule 3: a stronger identifier that contradicts -----------------------------------------------------------------


def test_known_email_with_another_external_id_is_another_person(inside: Tenant) -> None:
    known(external_id="C-1", email="a@example.com")
    assert bring(inside, [{"external_id": "C-2", "email": "a@example.com"}]).outcomes == {2: "c"}
    assert Contact.objects.living().filter(email="a@example.com").count() == 2


def test_known_phone_with_another_email_is_another_person(inside: Tenant) -> None:
    known(email="a@example.com", phone="+447911123456")
    assert bring(inside, [{"email": "b@example.com", "phone": "+447911123456"}]).outcomes == {2: "c"}
    assert total() == 2


def test_known_email_without_external_id_takes_the_rows(inside: Tenant) -> None:
    contact = known(email="a@example.com")
    out = bring(inside, [{"external_id": "C-2", "email": "a@example.com"}])
    assert out.changed == {2: ["external_id"]}
    contact.refresh_from_db()
    assert contact.external_id == "C-2"


# --- rule 4: rows of one file that are one person -------------------------------------------------------------------


def test_last_row_wins_field_by_field(inside: Tenant) -> None:
    rows = [
        {"email": "a@example.com", "first_name": "Ana", "city": "Riga", "tier": "gold"},
        {"email": "a@example.com", "first_name": "Anna", "last_name": "Berzina"},
        {"email": "a@example.com", "city": "Oslo"},
    ]
    out = bring(inside, rows)
    assert (out.joined, out.outcomes) == ({2: 4, 3: 4}, {4: "c"})
    contact = one(email="a@example.com")
    assert (contact.first_name, contact.last_name) == ("Anna", "Berzina")
    assert contact.attributes == {"city": "Oslo", "tier": "gold"}
    assert out.resolved.duplicates == 2


def test_first_row_wins(inside: Tenant) -> None:
    rows = [{"email": "a@example.com", "city": "Riga"}, {"email": "a@example.com", "city": "Oslo", "tier": "gold"}]
    assert bring(inside, rows, duplicates="first").joined == {3: 2}
    assert one(email="a@example.com").attributes == {"city": "Riga", "tier": "gold"}


def test_all_rows_of_one_person_can_be_errors(inside: Tenant) -> None:
    rows = [{"email": "a@example.com"}, {"email": "a@example.com"}, {"email": "b@example.com"}]
    out = bring(inside, rows, duplicates="error")
    assert out.codes == {2: "duplicate_in_file", 3: "duplicate_in_file"}
    assert out.outcomes == {4: "c"}


def test_chains_of_identifiers_are_one_person(inside: Tenant) -> None:
    rows = [
        {"external_id": "C-1", "first_name": "Anna"},
        {"external_id": "C-1", "email": "a@example.com"},
        {"email": "a@example.com", "phone": "+447911123456"},
        {"phone": "+447911123456", "city": "Riga"},
    ]
    out = bring(inside, rows)
    assert out.joined == {2: 5, 3: 5, 4: 5}
    contact = one()
    assert (contact.external_id, contact.email, contact.phone) == ("C-1", "a@example.com", "+447911123456")
    assert contact.first_name == "Anna"


def test_one_email_with_two_external_ids_is_two_people(inside: Tenant) -> None:
    rows = [
        {"external_id": "C-1", "email": "a@example.com"},
        {"external_id": "C-2", "email": "a@example.com"},
        {"email": "a@example.com"},
    ]
    out = bring(inside, rows)
    assert out.outcomes == {2: "c", 3: "c"}
    assert out.codes == {4: "shared_identifier"}


def test_a_family_with_one_phone_stays_a_family(inside: Tenant) -> None:
    rows = [
        {"email": "a@example.com", "phone": "+447911123456"},
        {"email": "b@example.com", "phone": "+447911123456"},
        {"phone": "+447911123456"},
    ]
    out = bring(inside, rows)
    assert out.outcomes == {2: "c", 3: "c"}
    assert out.codes == {4: "shared_identifier"}
    again = bring(inside, rows[:2])
    assert again.outcomes == {2: "n", 3: "n"}


def test_rows_that_match_one_contact_by_different_identifiers_join(inside: Tenant) -> None:
    contact = known(external_id="C-1", email="a@example.com")
    rows = [{"external_id": "C-1", "city": "Riga"}, {"email": "a@example.com", "tier": "gold"}]
    assert bring(inside, rows).joined == {2: 3}
    contact.refresh_from_db()
    assert contact.attributes == {"city": "Riga", "tier": "gold"}


def test_a_group_takes_the_contact_that_one_of_its_rows_found(inside: Tenant) -> None:
    contact = known(email="a@example.com")
    rows = [{"external_id": "C-9", "email": "a@example.com"}, {"external_id": "C-9", "city": "Riga"}]
    out = bring(inside, rows)
    assert (out.joined, out.outcomes) == ({2: 3}, {3: "u"})
    contact.refresh_from_db()
    assert (contact.external_id, contact.attributes) == ("C-9", {"city": "Riga"})
    assert total() == 1


def test_a_group_that_points_at_two_contacts(inside: Tenant) -> None:
    known(email="a@example.com")
    known(email="b@example.com")
    rows = [{"external_id": "C-9", "email": "a@example.com"}, {"external_id": "C-9", "email": "b@example.com"}]
    out = bring(inside, rows)
    assert out.codes == {3: "ambiguous_match"}
    assert out.outcomes == {2: "u"}


@pytest.mark.parametrize("turned", [False, True])
def test_the_order_of_rows_does_not_change_who_is_who(inside: Tenant, turned: bool) -> None:
    contact = known(external_id="C-2", email="a@example.com")
    rows = [{"external_id": "C-9", "email": "a@example.com"}, {"email": "a@example.com", "city": "Riga"}]
    out = bring(inside, rows[::-1] if turned else rows)
    assert sorted(out.outcomes.values()) == ["c", "u"]
    assert (out.codes, out.joined) == ({}, {})
    contact.refresh_from_db()
    assert contact.attributes == {"city": "Riga"}


@pytest.mark.parametrize("identifiers", [("external_id", "email", "phone"), ("email", "phone")])
def test_narrowed_identifiers_follow_the_same_rules(inside: Tenant, identifiers: tuple[str, ...]) -> None:
    """A file without external IDs must not decide otherwise: a known phone under another e-mail is another person."""
    known(email="k@example.com", phone="+447911123456")
    rows = [{"email": "a@example.com", "phone": "+447911123456"}, {"phone": "+447911123456", "city": "Riga"}]
    out = bring(inside, rows, identifiers=identifiers)
    assert (out.outcomes, out.joined) == ({2: "c", 3: "u"}, {})
    assert one(email="k@example.com").attributes == {"city": "Riga"}


@pytest.mark.parametrize("identifiers", [("external_id", "email", "phone"), ("email", "phone")])
def test_a_row_that_found_its_contact_by_phone_brings_its_doubles_along(
    inside: Tenant, identifiers: tuple[str, ...]
) -> None:
    known(phone="+447911123456")
    rows = [{"email": "e@example.com", "phone": "+447911123456"}, {"email": "e@example.com", "city": "Riga"}]
    out = bring(inside, rows, identifiers=identifiers)
    assert (out.outcomes, out.joined) == ({3: "u"}, {2: 3})
    assert total() == 1


# --- rule 5: blank keeps; overwrite or fill; identifiers are never taken away ---------------------------------------


def test_missing_values_keep(inside: Tenant) -> None:
    contact = known(email="a@example.com", first_name="Anna", attributes={"city": "Riga"})
    assert bring(inside, [{"email": "a@example.com"}]).outcomes == {2: "n"}
    contact.refresh_from_db()
    assert (contact.first_name, contact.attributes) == ("Anna", {"city": "Riga"})


def test_clearing_is_asked_for(inside: Tenant) -> None:
    contact = known(
        email="a@example.com", first_name="Anna", first_key="anna", attributes={"city": "Riga", "tier": "x"}
    )
    row = {"email": "a@example.com", "cleared": ["first_name", "city", "never_there"]}
    out = bring(inside, [row], blank="clear")
    assert sorted(out.changed[2]) == ["city", "first_name"]
    contact.refresh_from_db()
    assert (contact.first_name, contact.first_key, contact.attributes) == (None, None, {"tier": "x"})
    assert bring(inside, [row], blank="clear").outcomes == {2: "n"}


def test_fill_only_empty_fields(inside: Tenant) -> None:
    contact = known(email="a@example.com", first_name="Anna", attributes={"city": "Riga"})
    row = {"email": "a@example.com", "first_name": "ANNA", "last_name": "Berzina", "city": "Oslo", "tier": "gold"}
    out = bring(inside, [row], existing="only_empty")
    assert sorted(out.changed[2]) == ["last_name", "tier"]
    contact.refresh_from_db()
    assert (contact.first_name, contact.last_name) == ("Anna", "Berzina")
    assert contact.attributes == {"city": "Riga", "tier": "gold"}


def test_a_changed_email_brings_its_written_form(inside: Tenant) -> None:
    contact = known(external_id="C-1", email="old@example.com", email_written="Old@Example.com")
    bring(inside, [{"external_id": "C-1", "email": "new@example.com", "email_written": "New@example.com"}])
    contact.refresh_from_db()
    assert (contact.email, contact.email_written) == ("new@example.com", "New@example.com")


def test_another_spelling_of_the_same_email_changes_nothing(inside: Tenant) -> None:
    known(email="a@example.com", email_written="A@Example.com")
    assert bring(inside, [{"email": "a@example.com", "email_written": "a@EXAMPLE.com"}]).outcomes == {2: "n"}


def test_consent_is_never_weakened(inside: Tenant) -> None:
    contact = known(email="a@example.com", email_status="unsubscribed")
    bring(inside, [{"email": "a@example.com", "city": "Riga"}])
    contact.refresh_from_db()
    assert contact.email_status == "unsubscribed"


# --- rule 6: deleted and erased people; the mode --------------------------------------------------------------------


@pytest.mark.parametrize("identifier", [{"external_id": "C-1"}, {"email": "a@example.com"}, {"phone": "+447911123456"}])
def test_a_deleted_contact_is_not_revived(inside: Tenant, identifier: dict[str, str]) -> None:
    known(**identifier, deleted_at=timezone.now())
    assert bring(inside, [identifier]).codes == {2: "contact_deleted"}
    assert total() == 0


def test_a_living_contact_beside_a_deleted_one_is_found(inside: Tenant) -> None:
    known(email="a@example.com", deleted_at=timezone.now())
    known(email="a@example.com")
    assert bring(inside, [{"email": "a@example.com"}]).outcomes == {2: "n"}


def test_an_erased_person_does_not_come_back(inside: Tenant) -> None:
    digest = suppression_digest("email", "a@example.com", key="secret")
    Suppression.objects.create(kind="email", digest=digest)
    out = bring(inside, [{"email": "a@example.com"}, {"email": "b@example.com"}])
    assert out.codes == {2: "contact_suppressed"}
    assert out.outcomes == {3: "c"}


@pytest.mark.parametrize(
    ("mode", "code", "outcomes"),
    [("create_only", {2: "mode_create_only"}, {3: "c"}), ("update_only", {3: "mode_update_only"}, {2: "u"})],
)
def test_the_mode(inside: Tenant, mode: str, code: dict[int, str], outcomes: dict[int, str]) -> None:
    known(email="a@example.com")
    out = bring(inside, [{"email": "a@example.com", "city": "Riga"}, {"email": "b@example.com"}], mode=mode)
    assert (out.codes, out.outcomes) == (code, outcomes)


# --- rule 8 and tenancy ---------------------------------------------------------------------------------------------


def test_the_same_rows_again_change_nothing(inside: Tenant) -> None:
    rows = [{"email": f"p{i}@example.com", "external_id": f"C-{i}", "city": "Riga", "ltv": i / 7} for i in range(50)]
    bring(inside, rows)
    before = list(Contact.objects.order_by("pk").values())
    assert set(bring(inside, rows).outcomes.values()) == {"n"}
    assert list(Contact.objects.order_by("pk").values()) == before


def test_a_turn_has_one_holder(inside: Tenant) -> None:
    turn = write_lock.lock()
    assert write_lock.acquire(turn, 1)
    assert write_lock.acquire(turn, 1)
    assert not write_lock.acquire(turn, 2)
    write_lock.release(2, written=True)
    assert write_lock.lock().holder == 1
    write_lock.release(1, written=True)
    assert (write_lock.lock().holder, write_lock.lock().version) == (None, 1)
