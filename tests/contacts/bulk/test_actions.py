"""What is done to many contacts at once: whom it is about, what it does, in steps, stopped, killed, and taken back."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from contacts.bulk import actions, export, kinds
from contacts.models import BulkAction, BulkItem, BulkState, Change, Contact, EmailStatus, ItemState, WriteLock
from segments.models import Member, Segment
from tenants import file_removals
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Notice, Outbox, Tenant
from tenants.retention import job
from tests.cast import Actor
from tests.imports.helpers import bring
from tests.workspace_copies import copy_workspace

STATUSES = ("active", "unsubscribed", "spam", "blacklisted", "not_confirmed")


def _crowd(alice: Actor) -> None:
    rows = "".join(f"E-{i},p{i:02}@example.com,Name{i},Riga|Oslo\n" for i in range(20))
    bring(alice.workspace, "external_id,email,first_name,city\n" + rows)
    with tenant_context(alice.workspace.pk):
        for i, contact in enumerate(Contact.objects.order_by("pk")):
            Contact.objects.filter(pk=contact.pk).update(email_status=STATUSES[i % 5])


@pytest.fixture
def crowd(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> Actor:
    """Twenty contacts, four of each e-mail status, worked off three at a time."""
    monkeypatch.setattr(actions, "STEP", 3)
    copy_workspace(alice, _crowd)
    return alice


def begin(who: Actor, kind: str, asked: dict[str, Any] | None = None, **options: Any) -> BulkAction:
    with tenant_context(who.workspace.pk):
        return actions.begin(kind, asked or {}, user_id=who.user.pk, **options)


def work(who: Actor, action: BulkAction) -> BulkAction:
    """Work on it until it has ended; the action as it is then."""
    while True:
        actions.work(who.workspace.pk, action.pk)
        with tenant_context(who.workspace.pk):
            found: BulkAction = BulkAction.objects.get(pk=action.pk)
        if not found.active:
            return found


def undone(who: Actor, action: BulkAction) -> BulkAction:
    with tenant_context(who.workspace.pk):
        actions.undo(action.pk, user_id=who.user.pk)
    return work(who, action)


def everybody(tenant: Tenant) -> list[dict[str, Any]]:
    with tenant_context(tenant.pk):
        rows = Contact.objects.order_by("pk").values()
        return [{k: v for k, v in row.items() if k != "changed_at"} for row in rows]


def delete_all(who: Actor) -> None:
    with tenant_context(who.workspace.pk):
        Contact.objects.update(deleted_at=timezone.now(), deleted_reason="Other")


KINDS: list[tuple[str, dict[str, Any], Callable[[Actor], None] | None, int, int]] = [
    ("delete", {"reason": "Other"}, None, 16, 0),
    ("unsubscribe", {}, None, 8, 0),
    ("restore", {}, delete_all, 20, 0),
]


@pytest.mark.parametrize(("kind", "options", "first", "done", "skipped"), KINDS, ids=[k[0] for k in KINDS])
def test_done_and_taken_back(
    crowd: Actor, kind: str, options: dict[str, Any], first: Callable[[Actor], None] | None, done: int, skipped: int
) -> None:
    if first:
        first(crowd)
    before = everybody(crowd.workspace)
    asked = {"show": "deleted"} if kind == "restore" else {}
    action = work(crowd, begin(crowd, kind, asked, **options))
    assert (action.state, action.total, action.done, action.skipped) == (BulkState.DONE, done, done, skipped)
    assert everybody(crowd.workspace) != before
    with tenant_context(crowd.workspace.pk):
        # Whoever changed stands at the end of the order of changes.
        touched = BulkItem.objects.filter(bulk_id=action.pk, state=ItemState.DONE).values_list("contact_id", flat=True)
        for contact in Contact.objects.filter(pk__in=list(touched)):
            assert Change.objects.filter(contact_id=contact.pk, at=contact.changed_at).exists()
        assert Notice.objects.filter(user=crowd.user).exists()
    action = undone(crowd, action)
    assert (action.state, action.undone, action.kept) == (BulkState.UNDONE, done, 0)
    assert everybody(crowd.workspace) == before
    with tenant_context(crowd.workspace.pk):
        actions.undo(action.pk, user_id=crowd.user.pk)  # once more changes nothing
        assert BulkAction.objects.get(pk=action.pk).state == BulkState.UNDONE
        assert AuditEntry.objects.filter(verb__in=(f"bulk.{kind}", "bulk.undo")).count() == 2


def test_only_people_that_cannot_be_written_to_are_deleted_in_bulk(crowd: Actor) -> None:
    work(crowd, begin(crowd, "delete", reason="Other"))
    with tenant_context(crowd.workspace.pk):
        left = set(Contact.objects.living().values_list("email_status", flat=True))
        assert left == {EmailStatus.ACTIVE}
        assert Contact.objects.exclude(deleted_at=None).count() == 16


def test_each_is_looked_at_again_when_its_turn_comes(crowd: Actor) -> None:
    action = begin(crowd, "delete", reason="Other")
    with tenant_context(crowd.workspace.pk):
        actions._step(BulkAction.objects.get(pk=action.pk))  # gathered
        spam = list(Contact.objects.filter(email_status="spam").values_list("pk", flat=True))
        Contact.objects.filter(pk__in=spam).update(email_status="active")
    action = work(crowd, action)
    assert (action.total, action.done, action.skipped) == (16, 12, 4)
    with tenant_context(crowd.workspace.pk):
        assert Contact.objects.living().filter(pk__in=spam).count() == 4
        assert actions.items_in(action, "s", 10) == spam


def test_an_undo_leaves_what_somebody_has_changed_since(crowd: Actor) -> None:
    action = work(crowd, begin(crowd, "unsubscribe"))
    with tenant_context(crowd.workspace.pk):
        one = Contact.objects.filter(email_status="unsubscribed", email_status_at=action.started_at).first()
        Contact.objects.filter(pk=one.pk).update(email_status="spam", email_status_at=timezone.now())
    action = undone(crowd, action)
    assert (action.undone, action.kept) == (7, 1)
    with tenant_context(crowd.workspace.pk):
        assert Contact.objects.get(pk=one.pk).email_status == "spam"


def test_an_external_id_that_is_taken_keeps_its_contact_deleted(crowd: Actor) -> None:
    action = work(crowd, begin(crowd, "delete", reason="Other"))
    with tenant_context(crowd.workspace.pk):
        gone = Contact.objects.exclude(deleted_at=None).first()
        Contact.objects.create(external_id=gone.external_id, origin="manual")
    action = undone(crowd, action)
    assert (action.undone, action.kept) == (15, 1)
    restored = work(crowd, begin(crowd, "restore", {"show": "deleted"}))
    assert (restored.done, restored.skipped) == (0, 1)


def test_of_two_deleted_with_one_id_only_the_first_comes_back(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        for _ in range(2):
            Contact.objects.create(external_id="X", origin="manual", deleted_at=timezone.now())
    action = work(alice, begin(alice, "restore", {"show": "deleted"}))
    assert (action.done, action.skipped) == (1, 1)


def test_selected_are_those_that_were_ticked_or_those_that_the_list_shows(crowd: Actor) -> None:
    with tenant_context(crowd.workspace.pk):
        ids = list(Contact.objects.order_by("pk").values_list("pk", flat=True))
        assert set(actions.selected({"ids": ids[:3]}).values_list("pk", flat=True)) == set(ids[:3])
        assert actions.selected({"status": "email.spam"}).count() == 4
        assert actions.selected({"q": "p07@"}).count() == 1
        assert actions.selected({}).count() == 20


@pytest.mark.parametrize(("keep", "left"), [("earlier", ["1", "4", "6"]), ("later", ["3", "5", "6"])])
def test_removing_duplicates_leaves_one_of_each(alice: Actor, keep: str, left: list[str]) -> None:
    header = "external_id,email,phone\n"
    mails = ["a@example.com"] * 3 + ["b@example.com"] * 2 + ["c@example.com"]
    for i, mail in enumerate(mails, 1):
        bring(alice.workspace, f"{header}{i},{mail},\n")
    before = everybody(alice.workspace)
    action = work(alice, begin(alice, "duplicates", by="email", keep=keep))
    assert (action.total, action.done) == (3, 3)
    with tenant_context(alice.workspace.pk):
        ids = sorted(Contact.objects.living().values_list("external_id", flat=True))
        assert ids == left
        assert set(Contact.objects.exclude(deleted_at=None).values_list("deleted_reason", flat=True)) == {"Duplicate"}
    undone(alice, action)
    assert everybody(alice.workspace) == before


def test_of_doubles_made_at_one_moment_the_id_decides_and_one_always_stays(alice: Actor) -> None:
    at = timezone.now()
    with tenant_context(alice.workspace.pk):
        made = [Contact.objects.create(email="a@example.com", origin="manual", created_at=at).pk for _ in range(5)]
    action = begin(alice, "duplicates", by="email", keep="earlier")
    with tenant_context(alice.workspace.pk):
        actions._step(BulkAction.objects.get(pk=action.pk))
        # The one that was to stay goes meanwhile: the next one stays instead.
        Contact.objects.filter(pk=made[0]).update(deleted_at=at)
    action = work(alice, action)
    assert (action.done, action.skipped) == (3, 1)
    with tenant_context(alice.workspace.pk):
        assert list(Contact.objects.living().values_list("pk", flat=True)) == [made[1]]


def test_segments_know_whom_the_action_has_added(crowd: Actor) -> None:
    with tenant_context(crowd.workspace.pk):
        one, two = Segment.objects.create(name="One"), Segment.objects.create(name="Two")
        first = Contact.objects.order_by("pk").first()
        Member.objects.create(
            tenant_id=crowd.workspace.pk, segment_id=one.pk, contact_id=first.pk, added_at=timezone.now()
        )
        version = WriteLock.objects.get().version
    action = work(crowd, begin(crowd, "segments", {"status": "email.active"}, segments=[one.pk, two.pk]))
    with tenant_context(crowd.workspace.pk):
        assert (Member.objects.filter(segment_id=one.pk).count(), Member.objects.filter(segment_id=two.pk).count()) == (
            4,
            4,
        )
        assert WriteLock.objects.get().version == version  # contacts themselves did not change
    undone(crowd, action)
    with tenant_context(crowd.workspace.pk):
        assert list(Member.objects.values_list("segment_id", "contact_id")) == [(one.pk, first.pk)]


# --- workers ------------------------------------------------------------------------------------------------------------


def test_a_step_that_is_cut_off_is_done_again_and_once_only(crowd: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    action, real = begin(crowd, "delete", reason="Other"), actions._work_off
    cuts: list[int] = []

    def cut(*args: Any, **kwargs: Any) -> None:
        real(*args, **kwargs)
        if len(cuts) < 2:
            cuts.append(1)
            raise KeyboardInterrupt

    monkeypatch.setattr(actions, "_work_off", cut)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            actions.work(crowd.workspace.pk, action.pk)
    action = work(crowd, action)
    assert (action.state, action.done, action.skipped) == (BulkState.DONE, 16, 0)


def test_a_step_that_cannot_be_done_ends_the_action_with_its_reason(
    crowd: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any, **_kwargs: Any) -> None:
        raise DatabaseError("no such column")

    monkeypatch.setattr(kinds.Delete, "step", broken)
    action = work(crowd, begin(crowd, "delete", reason="Other"))
    assert (action.state, action.error, action.done) == (BulkState.FAILED, "DatabaseError", 0)
    assert "failed" in crowd.get(f"contacts/actions/{action.pk}/").content.decode()


def test_a_worker_that_dies_three_times_at_one_step_is_not_sent_again(crowd: Actor) -> None:
    action = begin(crowd, "delete", reason="Other")
    with tenant_context(crowd.workspace.pk):
        BulkAction.objects.update(attempts=3)
    assert work(crowd, action).state == BulkState.FAILED


def test_while_somebody_works_on_it_nobody_else_does(crowd: Actor) -> None:
    from django.db import connections

    action = begin(crowd, "delete", reason="Other")
    other = connections["default"].copy()
    with tenant_context(crowd.workspace.pk):
        BulkAction.objects.select_for_update().get(pk=action.pk)
        with transaction.atomic(), other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(f"SET LOCAL app.tenant_id = '{crowd.workspace.pk}'")
            cursor.execute("SELECT id FROM bulk_action WHERE id = %s FOR UPDATE SKIP LOCKED", [action.pk])
            assert cursor.fetchall() == []
            cursor.execute("ROLLBACK")
    other.close()


def test_stopping_keeps_what_was_done_and_it_can_be_taken_back(crowd: Actor) -> None:
    before = everybody(crowd.workspace)
    action = begin(crowd, "delete", reason="Other")
    with tenant_context(crowd.workspace.pk):
        for _ in range(3):
            actions._step(BulkAction.objects.get(pk=action.pk))
    crowd.post(f"contacts/actions/{action.pk}/cancel/")
    action = work(crowd, action)
    assert (action.state, action.done) == (BulkState.CANCELED, 6)
    crowd.post(f"contacts/actions/{action.pk}/undo/")
    assert work(crowd, action).undone == 6
    assert everybody(crowd.workspace) == before


def test_the_sweep_wakes_what_is_under_way_and_forgets_the_rest(crowd: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(actions, "defer", lambda _task, **ids: sent.append(ids["bulk_id"]))
    action = begin(crowd, "delete", reason="Other")
    actions.wake_active(crowd.workspace.pk)
    assert set(sent) == {action.pk}
    work(crowd, action)
    sent.clear()
    actions.wake_active(crowd.workspace.pk)
    assert sent == []


# --- export -------------------------------------------------------------------------------------------------------------


def exported(who: Actor, asked: dict[str, Any] | None = None, **options: Any) -> tuple[BulkAction, list[list[str]]]:
    action = work(who, begin(who, "export", asked, **{"mode": "safe", "mark": True, **options}))
    answer = who.get(f"contacts/actions/{action.pk}/file/")
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return action, list(csv.reader(io.StringIO(text)))


def test_a_file_has_what_the_list_shows(crowd: Actor) -> None:
    action, rows = exported(crowd, {"status": "email.spam"})
    assert (action.done, len(rows)) == (4, 5)
    assert {dict(zip(rows[0], row, strict=True))["E-mail status"] for row in rows[1:]} == {"spam"}
    with tenant_context(crowd.workspace.pk):
        mail = Outbox.objects.get(key=f"export-{action.pk}")
    assert (mail.to, f"/contacts/actions/{action.pk}/" in mail.body) == (crowd.user.email, True)


@pytest.mark.parametrize("mode", ["safe", "raw"])
def test_an_export_imports_back_unchanged(alice: Actor, mode: str) -> None:
    file = (
        "email,phone,external_id,first_name,last_name,city,website,birthday,language\n"
        'Anna.B@Example.com,+447400000001,=1+1,Änna,"O\'Hara, the 2nd",São Paulo,https://example.com,1988-04-03,lv\n'
        'bert@example.com,,+49,-Bert,@home,"two""quotes",,,\n'
        ",+37126123456,,'quoted,,,,,de\n"
    )
    bring(alice.workspace, file)
    before = everybody(alice.workspace)
    assert len(before) == 3
    _action, rows = exported(alice, mode=mode, mark=mode == "safe")
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    imp = bring(alice.workspace, out.getvalue())
    assert (imp.created, imp.updated, imp.unchanged, imp.in_error) == (0, 0, 3, 0)
    assert everybody(alice.workspace) == before


def test_the_file_goes_when_its_time_is_over(crowd: Actor) -> None:
    action, _rows = exported(crowd)
    with tenant_context(crowd.workspace.pk):
        path = export.folder() / BulkAction.objects.get(pk=action.pk).result["file"]
        assert path.stat().st_mode & 0o077 == 0
        BulkAction.objects.update(finished_at=timezone.now() - timedelta(days=export.KEEP_DAYS, hours=1))
    assert crowd.get(f"contacts/actions/{action.pk}/file/").status_code == 410
    job.work(crowd.workspace.pk)
    file_removals.work(crowd.workspace.pk)
    assert not path.exists()
    assert "no longer available" in crowd.get(f"contacts/actions/{action.pk}/").content.decode()


def test_nobody_else_gets_the_file(crowd: Actor, charlie: Actor) -> None:
    action, _rows = exported(crowd)
    for path in ("", "file/"):
        assert charlie.get(f"contacts/actions/{action.pk}/{path}").status_code == 404


# --- pages --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "query", "count"),
    [
        ("bulk/delete/", "all=1", 16),
        ("bulk/delete/", "status=email.spam&all=1", 4),
        ("bulk/unsubscribe/", "all=1", 8),
        ("bulk/restore/", "show=deleted&all=1", 0),
        ("bulk/export/", "q=p0&all=1", 10),
    ],
)
def test_the_preview_says_how_many(crowd: Actor, path: str, query: str, count: int) -> None:
    answer = crowd.get(f"contacts/{path}?{query}")
    assert (answer.status_code, answer.context["count"]) == (200, count)
    with tenant_context(crowd.workspace.pk):
        assert BulkAction.objects.count() == 0


def test_a_form_begins_one_action_however_often_it_is_sent(crowd: Actor) -> None:
    form = {"all": "1", "reason": "Other", "token": "t" * 32}
    first = crowd.post("contacts/bulk/delete/", form)
    assert first.headers["Location"] == crowd.post("contacts/bulk/delete/", form).headers["Location"]
    with tenant_context(crowd.workspace.pk):
        action = BulkAction.objects.get()
    page = crowd.get(f"contacts/actions/{action.pk}/").content.decode()
    assert "Preparing" in page
    work(crowd, action)
    page = crowd.get(f"contacts/actions/{action.pk}/").content.decode()
    assert "Undo for 16 contacts" in " ".join(page.split())
    assert "16 contacts deleted" in crowd.get("contacts/actions/").content.decode()


@pytest.mark.parametrize(
    ("path", "form"), [("delete", {"reason": "because"}), ("duplicates", {"by": "x"}), ("export", {})]
)
def test_a_form_that_says_too_little_is_shown_again(crowd: Actor, path: str, form: dict[str, str]) -> None:
    assert crowd.post(f"contacts/bulk/{path}/", {"all": "1", **form}).status_code == 422


def test_contacts_that_were_ticked_go_into_a_new_segment(crowd: Actor) -> None:
    with tenant_context(crowd.workspace.pk):
        ids = list(Contact.objects.order_by("pk").values_list("pk", flat=True)[:2])
    assert crowd.post("segments/add/", {"id": ids}).status_code == 422
    crowd.post("segments/add/", {"id": ids, "name": "Fair"})
    with tenant_context(crowd.workspace.pk):
        action = BulkAction.objects.get()
    work(crowd, action)
    with tenant_context(crowd.workspace.pk):
        fair = Segment.objects.get(name="Fair")
        assert sorted(Member.objects.filter(segment_id=fair.pk).values_list("contact_id", flat=True)) == ids


def test_another_workspace_is_never_touched(crowd: Actor, charlie: Actor) -> None:
    bring(charlie.workspace, "email\ntheirs@example.com\n")
    with tenant_context(charlie.workspace.pk):
        theirs = Contact.objects.get().pk
        Contact.objects.update(email_status="spam")
    action = work(crowd, begin(crowd, "delete", {"ids": [theirs]}, reason="Other"))
    assert (action.total, action.done) == (0, 0)
    with tenant_context(charlie.workspace.pk):
        assert Contact.objects.living().count() == 1


# --- numbers on buttons -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "count", "words"),
    [
        ("unsubscribe", 24, "Unsubscribe 24 contacts"),
        ("delete", 1, "Delete 1 contact"),
        ("restore", 1_204, "Restore 1,204 contacts"),
        ("erase", 3, "Erase 3 contacts for good"),
        ("export", 2, "Export 2 contacts"),
        ("duplicates", 2, "Delete 2 duplicates"),
        ("segments", 5, "Add 5 contacts to segments"),
        ("pairs", 1, "Merge 1 pair"),
    ],
)
def test_the_button_says_how_many(kind: str, count: int, words: str) -> None:
    assert actions.action_types()[kind].asking(count) == words


def test_the_preview_and_the_page_say_the_number(alice: Actor) -> None:
    bring(alice.workspace, "email\n" + "".join(f"p{i}@example.com\n" for i in range(3)))
    assert "Unsubscribe 3 contacts</button>" in alice.get("contacts/bulk/unsubscribe/?all=1").text
    assert "Add 3 contacts to segments</button>" in alice.get("segments/add/?all=1").text
    alice.post("contacts/bulk/unsubscribe/", {"all": "1"})
    with tenant_context(alice.workspace.pk):
        action = BulkAction.objects.latest("pk")
    path = f"contacts/actions/{action.pk}/"
    assert "<h1>Unsubscribe</h1>" in alice.get(path).text
    actions.work(alice.workspace.pk, action.pk)
    assert "<h1>3 contacts unsubscribed</h1>" in alice.get(path).text
