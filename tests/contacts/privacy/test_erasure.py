"""A person erased for good: a canary in every store is found in none, and nothing brings it back."""

import os
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from contacts.bulk import actions
from contacts.consent import suppression
from contacts.duplicates import merge
from contacts.extensions import contact_data
from contacts.linkage import job, schedule
from contacts.models import BlacklistEntry, BulkAction, BulkState, Contact, ProbableKey
from contacts.profile import quick_actions
from imports.models import Import, RejectedRow
from imports.results import corrections
from segments import dynamic, membership
from segments.models import Member, Segment
from segments.rules.tree import FieldCondition, Group
from tenants import file_removals
from tenants.isolation import rls
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor
from tests.imports.helpers import bring, receive
from tracking.models import Event, Site, Visitor, VisitorIdentifier

# Spelt so that it is found in no other place.
CANARY, DIGITS = "zyxwv", "7400987654"
HEADER = "external_id,email,phone,first_name,last_name,city\n"
ROW = f"C-{CANARY},{CANARY}@example.com,+44{DIGITS},{CANARY.title()},Canary{CANARY},Riga{CANARY}\n"
# Tables without data about contacts, each with the reason.
IMPERSONAL = {
    "attribute": "names of fields", "category": "names of subscriptions", "import_unit": "parts of files by number",
    "inbox_position": "a place in a stream", "invitation": "people who work here", "mail_hook": "addresses of ours",
    "membership": "people who work here",
    "notice": "what people who work here are told", "signup_form": "words of forms",
    "probable_search": "figures, and values that many people have", "saved_mapping": "names of columns",
    "site": "names of sites", "source_name": "names of sources",
    "suppression": "keyed digests, from which nobody can be read", "turn": "one number", "event_key": "numbers of orders",
    "hit_id": "random IDs of hits", "ambiguity_sweep": "a place in a search",
    "api_token": "names of tokens", "webhook": "addresses of other systems",
    "webhook_delivery": "IDs of contacts, and what other systems answered", "connector": "addresses of other systems",
    "retention_rule": "numbers of days", "file_removal": "random names of files",
    "failed_sign_in": "people who work here",
    "workspace_export": "names of files, which go after a week",
    "fetched_file": "names of files", "watched_cause": "kinds of changes", "change_batch": "numbers of transactions",
    "segment_size": "figures", "segment_edit": "counts", "audience": "names of lists", "lookalike": "weights of a model",
    "destination": "accounts elsewhere", "sync": "names of lists", "sync_run": "figures",
    "lookalike_field": "names of fields",
    "tally_state": "a time zone", "visit_tally": "figures", "step_tally": "figures", "order_tally": "figures",
    "contact_tally": "figures", "contact_count": "figures", "import_error_tally": "figures",
    "hidden_guide": "people who work here", "identity_provider": "an address of another system",
    "provider_link": "people who work here",
}  # fmt: skip


def tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT table_name FROM information_schema.role_table_grants "
            "WHERE table_schema = 'public' AND grantee = %s",
            [settings.APP_ROLE],
        )
        return {row[0] for row in cursor.fetchall()} - set(rls.GLOBAL_TABLES)


def test_every_table_with_data_about_people_is_answered_for() -> None:
    named = {table for provider in contact_data().values() for table in provider.TABLES}
    assert named | set(IMPERSONAL) == tables()
    assert not named & set(IMPERSONAL)


def erase(who: Actor, *ids: int) -> BulkAction:
    with tenant_context(who.workspace.pk):
        action = actions.begin("erase", {"ids": list(ids)}, user_id=who.user.pk)
    actions.work(who.workspace.pk, action.pk)
    file_removals.work(who.workspace.pk)
    with tenant_context(who.workspace.pk):
        found: BulkAction = BulkAction.objects.get(pk=action.pk)
    return found


def everything(who: Actor) -> str:
    """All rows of the workspace, as the owner of the database reads them, and all its files."""
    found = []
    with psycopg.connect(os.environ["OWNER_DATABASE_URL"], autocommit=True) as owner:
        owner.execute("SELECT set_config('app.tenant_id', %s, false)", [str(who.workspace.pk)])
        for table in sorted(tables()):
            rows = owner.execute(f'SELECT t::text FROM "{table}" t').fetchall()
            found += [f"{table}: {row[0]}" for row in rows]
    for path in Path(settings.UPLOAD_DIR).rglob("*"):
        if path.is_file() and f"/{who.workspace.pk}/" in f"{path}/":
            found.append(f"{path}: {path.read_text(errors='replace')}")
    return "\n".join(found)


@pytest.fixture
def canary(alice: Actor) -> tuple[Actor, Contact]:
    """Somebody in every store: made by one import, changed by a second, in error in a third, tracked, merged, exported."""
    own = alice.workspace.pk
    first = ROW.replace(f"{CANARY}@example.com", f"{CANARY}.first@example.com")
    bring(alice.workspace, HEADER + first, user=alice.user)
    bring(alice.workspace, HEADER + ROW + "C-2,bob@example.com,,Bob,Builder,Riga\n", segment="First")
    bring(alice.workspace, HEADER + ROW.replace("Riga", "Oslo") + f"C-9,{CANARY}.old@example.org,,Zy,Old{CANARY},\n")
    bad = bring(alice.workspace, HEADER + f"C-{CANARY},{CANARY}@@example.com,12,{CANARY},,\n")
    with tenant_context(own):
        corrections.correct_row(bad, 2, {1: f"{CANARY}@@still.example"}, chosen=None)
        corrections.recheck(bad)
        assert f"{CANARY}@@still.example" in str(RejectedRow.objects.get().rechecked)
        who = Contact.objects.get(external_id=f"C-{CANARY}")
        site = Site.objects.create(name="shop", key=f"k{own}")
        now = timezone.now()
        visitor = Visitor.objects.create(
            site_id=site.pk, device=f"00000000-0000-4000-8000-{own:012}", first_seen=now, last_seen=now,
            contact_id=who.pk, claimed_at=now, matched_by="email",
        )  # fmt: skip
        Event.objects.create(tenant_id=own, at=now, kind="page", name=CANARY, visitor_id=visitor.pk, site_id=site.pk)
        Event.objects.create(tenant_id=own, at=now, kind="order", name=CANARY, contact_id=who.pk)
        VisitorIdentifier.objects.create(
            tenant_id=own, visitor_id=visitor.pk, kind="email", value=f"{CANARY}@example.com", seen_at=now
        )
        BlacklistEntry.objects.create(kind="phone", value=f"+44{DIGITS}")
        dynamic.save_dynamic_segment(
            Group("all", (FieldCondition("email", "is", (f"{CANARY}@example.com", "bob@example.com")),)),
            "Them",
            user_id=alice.user.pk,
        )
        other = Contact.objects.get(external_id="C-9")
        merge.merge([who.pk, other.pk], user_id=alice.user.pk)
        search = schedule.start(user_id=alice.user.pk)
        for text in (CANARY, f"{CANARY}@exam", f"canary{CANARY}", f"{CANARY} can"):
            actions.begin("export", {"q": text}, user_id=alice.user.pk, mode="raw")
        export = actions.begin("export", {"q": f"{CANARY}@example.com"}, user_id=alice.user.pk, mode="raw")
    job.work(own, search.pk)
    actions.work(own, export.pk)
    values = {"email": f"{CANARY}@example.com", "city": f"{CANARY}town", "seen": _seen(alice, who)}
    assert alice.post(f"contacts/{who.pk}/edit/", values).status_code == 302
    with tenant_context(own):
        quick_actions.delete(who.pk, reason="Asked to be deleted", user_id=alice.user.pk)
    return alice, who


def _seen(who: Actor, contact: Contact) -> str:
    with tenant_context(who.workspace.pk):
        return str(Contact.objects.get(pk=contact.pk).changed_at.isoformat())


def test_a_canary_in_every_store_is_found_in_none(canary: tuple[Actor, Contact]) -> None:
    alice, who = canary
    before = everything(alice)
    for store in ("contact:", "alias:", "merge:", "touched:", "rejected_row:", "row_issue:", "event:", "visitor_identifier:",
                  "bulk_action:", "audit_entry:", "segment:", ".csv"):  # fmt: skip
        assert any(CANARY in line.lower() and store in line for line in before.splitlines()), store
    assert DIGITS in before
    done = erase(alice, who.pk)
    assert (done.state, done.done, done.error) == (BulkState.DONE, 1, "")
    left = [line for line in everything(alice).splitlines() if CANARY in line.lower() or DIGITS in line]
    assert left == []
    with tenant_context(alice.workspace.pk):
        assert [c.external_id for c in Contact.objects.all()] == ["C-2"]
        # The others whom a rule names are still in its segment.
        assert [c.email for c in membership.contacts(Segment.objects.get(name="Them"))] == ["bob@example.com"]
        assert Member.objects.count() == 1
        assert not ProbableKey.objects.filter(contact_id=who.pk).exists()
        assert AuditEntry.objects.filter(detail={"erased": True}).exists()
        assert RejectedRow.objects.get().cells == []


def test_no_import_brings_the_person_back(canary: tuple[Actor, Contact]) -> None:
    alice, who = canary
    erase(alice, who.pk)
    again = f",{CANARY}.old@example.org,,Zy,,\n,,+44{DIGITS},X,,\nC-3,new@example.com,,,,\n"
    overwritten = f",{CANARY}.first@example.com,,Zy,,\n"
    done = bring(alice.workspace, HEADER + ROW + again + overwritten)
    assert (done.created, done.skipped, done.duplicates) == (1, 3, 1)
    with tenant_context(alice.workspace.pk):
        assert not Contact.objects.filter(last_name__contains=CANARY).exists()


def test_sums_of_imports_stay_true(canary: tuple[Actor, Contact]) -> None:
    alice, who = canary
    with tenant_context(alice.workspace.pk):
        before = list(Import.objects.order_by("pk").values_list("created", "updated", "in_error"))
    erase(alice, who.pk)
    with tenant_context(alice.workspace.pk):
        assert list(Import.objects.order_by("pk").values_list("created", "updated", "in_error")) == before
        last = Import.objects.latest("pk")
    assert alice.get(f"imports/{last.pk}/").status_code == 200


def test_only_deleted_contacts_are_erased_and_nobody_else(canary: tuple[Actor, Contact], charlie: Actor) -> None:
    alice, who = canary
    bring(charlie.workspace, HEADER + ROW)
    with tenant_context(alice.workspace.pk):
        living = Contact.objects.living().get()
    done = erase(alice, living.pk, who.pk)
    assert (done.total, done.done) == (1, 1)
    with tenant_context(charlie.workspace.pk):
        assert Contact.objects.get().email == f"{CANARY}@example.com"
        assert not suppression.holds("email", f"{CANARY}@example.com")
    assert CANARY in everything(charlie)


def test_a_file_that_is_under_way_stops_it(canary: tuple[Actor, Contact]) -> None:
    alice, who = canary
    receive(alice.workspace, HEADER + f'x,{CANARY.upper()}@Example.com,"+44 7400 987-654",,,\n')
    done = erase(alice, who.pk)
    assert done.state == BulkState.FAILED
    assert "Finish or cancel that import" in done.error
    with tenant_context(alice.workspace.pk):
        assert Contact.objects.filter(pk=who.pk).exists()
        assert not suppression.holds("email", f"{CANARY}@example.com")


def test_the_page_asks_for_a_word(canary: tuple[Actor, Contact], bob: Any) -> None:
    alice, who = canary
    address = "contacts/bulk/erase/"
    page = alice.get(f"{address}?id={who.pk}").content.decode()
    assert "Type ERASE to confirm" in page
    assert "Erase 1 contact for good?" in page
    assert alice.post(address, {"id": who.pk, "word": "erase"}).status_code == 422
    assert alice.post(address, {"id": who.pk, "word": "ERASE"}).status_code == 302
    with tenant_context(alice.workspace.pk):
        assert BulkAction.objects.latest("pk").kind == "erase"
