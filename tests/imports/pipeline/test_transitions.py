"""A file through the whole pipeline, step by step as a worker does it, without a broker."""

import pytest

from contacts.models import Contact
from imports.files.reader import FileProblem
from imports.models import Import, Phase, RowIssue, Status
from imports.pipeline import worker
from imports.wizard import upload
from segments.models import Member, Segment
from tenants.isolation.context import tenant_context
from tenants.models import Membership, Notice, Outbox, Tenant
from tests.imports.helpers import bring, proved, receive

MESSY = (
    "E-mail;Vorname;Nachname;Telefon;Ort;Kundennummer\r\n"
    "anna@example.com;Anna;Bērziņa;07911 123456;Rīga;C-1\r\n"
    "bad-address;Bob;Bad;;London;\r\n"
    "ANNA@example.com;Anna Maria;;;;\r\n"
    "\r\n"
    "carl@example.com;Carl;;3.46E+10;Oslo;C-3\r\n"
    '"dora@example.com";"Dora ""D""";Short;\r\n'
    "eve@example.com;Eve;Line\r\n"
    "frank@example.com;Frank;Ok;+442079460958;Leeds;C-9\r\n"
)


def test_every_row_is_accounted_for(tenant: Tenant) -> None:
    imp = bring(tenant, MESSY, segment="Fair")
    assert imp.status == Status.IMPORTED
    assert {name: count for name, count in imp.counts.items() if name != "not_reached"} == {
        "created": 2, "updated": 0, "unchanged": 0, "duplicates": 1, "skipped": 0, "in_error": 4, "rows": 7,
    }  # fmt: skip
    proved(tenant, imp)
    with tenant_context(tenant.pk):
        codes = dict(RowIssue.objects.values_list("row_no", "code"))
        assert codes == {
            2: "duplicate_of_line", 3: "not_an_email", 6: "phone_damaged_by_spreadsheet",
            7: "too_few_cells", 8: "too_few_cells",
        }  # fmt: skip
        anna = Contact.objects.get(email="anna@example.com")
        assert (anna.first_name, anna.last_name, anna.external_id) == ("Anna Maria", "Bērziņa", "C-1")
        assert (anna.phone, anna.phone_written) == ("+447911123456", "07911 123456")
        assert anna.attributes == {"city": "Rīga"}
        segment = Segment.objects.get(name="Fair")
        assert Member.objects.filter(segment_id=segment.pk).count() == 2


def test_the_same_file_again_changes_nothing(tenant: Tenant) -> None:
    bring(tenant, MESSY)
    with tenant_context(tenant.pk):
        before = list(Contact.objects.order_by("pk").values())
    again = bring(tenant, MESSY)
    assert (again.created, again.updated, again.unchanged, again.duplicates) == (0, 0, 2, 1)
    with tenant_context(tenant.pk):
        assert list(Contact.objects.order_by("pk").values()) == before


def test_review_says_what_the_import_then_does(tenant: Tenant) -> None:
    bring(tenant, "email,city\na@example.com,Riga\n")
    imp = bring(tenant, "email,city\na@example.com,Oslo\nb@example.com,Rome\n", review=True)
    assert (imp.status, imp.phase) == (Status.READY, Phase.REVIEW)
    assert imp.review["changes"] == [{"key": "city", "contacts": 1, "row": 2, "before": "Riga", "after": "Oslo"}]
    with tenant_context(tenant.pk):
        assert Contact.objects.count() == 1
        assert upload.confirm(imp)
        assert not upload.confirm(imp)
    planned = imp.review["counts"]
    imp = finish(tenant, imp)
    assert imp.status == Status.IMPORTED
    assert imp.counts == {name: planned[name] for name in imp.counts}


def test_contacts_changed_after_the_review_send_it_back(tenant: Tenant) -> None:
    waiting = bring(tenant, "email,city\na@example.com,Oslo\n", review=True)
    assert waiting.created == 1
    bring(tenant, "email,city\na@example.com,Riga\n")
    with tenant_context(tenant.pk):
        upload.confirm(waiting)
    again = finish(tenant, waiting)
    assert (again.phase, again.refreshed, again.updated) == (Phase.REVIEW, True, 1)
    with tenant_context(tenant.pk):
        upload.confirm(again)
    assert finish(tenant, again).status == Status.IMPORTED


def test_cancel_before_the_start_writes_nothing(tenant: Tenant) -> None:
    imp = bring(tenant, MESSY, review=True)
    with tenant_context(tenant.pk):
        upload.cancel(imp)
    assert finish(tenant, imp).status == Status.CANCELED
    with tenant_context(tenant.pk):
        assert Contact.objects.count() == 0


def test_what_cannot_be_read_is_refused_at_the_door(tenant: Tenant) -> None:
    with pytest.raises(FileProblem) as problem:
        receive(tenant, 'email,city\na@example.com,"never closed\nb@example.com,x\n')
    assert (problem.value.code, problem.value.facts) == ("unclosed_quote", {"line": 2})


def test_what_is_found_later_fails_with_a_reason(tenant: Tenant) -> None:
    rows = "".join(f"p{i}@example.com,x\n" for i in range(20_000))
    imp = bring(tenant, f'email,city\n{rows}a@example.com,"never closed\nb@example.com,x\n' + rows * 5)
    assert (imp.status, imp.reason, imp.reason_facts) == (Status.FAILED, "unclosed_quote", {"line": 20_002})
    with tenant_context(tenant.pk):
        assert Contact.objects.count() == 0


def test_the_person_is_told_once(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        owner = Membership.objects.get().user
    imp = bring(tenant, MESSY, user=owner)
    with tenant_context(tenant.pk):
        assert "2 rows" not in Notice.objects.get().text
        assert Outbox.objects.get().key == f"import-{imp.pk}-ended"


def finish(tenant: Tenant, imp: Import) -> Import:
    worker.work(tenant.pk, imp.pk)
    with tenant_context(tenant.pk):
        found: Import = Import.objects.get(pk=imp.pk)
        return found


def test_bad_values_can_be_dropped(tenant: Tenant) -> None:
    imp = bring(tenant, "email,phone,city\na@example.com,1234,Riga\nnobody,12,\n", bad_value="drop")
    assert (imp.created, imp.in_error) == (1, 1)
    with tenant_context(tenant.pk):
        assert sorted(RowIssue.objects.filter(row_no=2).values_list("code", "severity")) == [
            ("phone_not_assigned", "warning")
        ]
