"""A file adds, replaces or removes members of a static segment: nothing before a confirmation, no contact made, undoable."""

import gzip
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from contacts.models import Alias, Contact
from imports import cleanup, segment_upload
from imports.models import Import, SegmentUpload
from segments import member_edits
from segments.models import Member, MemberChange, Segment, SegmentEdit
from tenants import file_removals
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Notice
from tenants.retention import job
from tests import plans
from tests.cast import Actor, person, workspace
from tests.imports.minimal_workbook import workbook
from tests.segments.scene import contacts, members, static
from tests.segments.views.test_static import follow, text

FILE = (
    "email,external_id,phone,note\nann@example.com,,,x\nCLEO@Example.com,,,y\nnew@example.com,,,z\nnot an address,,,\n"
)


@pytest.fixture
def place(alice: Actor) -> tuple[Segment, list[int]]:
    """A segment with Ann and Ben; Cleo and Dan are in none."""
    with tenant_context(alice.workspace.pk):
        ids = contacts("Ann", "Ben", "Cleo", "Dan")
        return static("VIP", ids[:2]), ids


def send(actor: Actor, segment: Segment, content: str | bytes = FILE, *, mode: str = "add", **more: Any) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile(more.pop("name", "list.csv"), raw)
    return actor.post(f"segments/{segment.pk}/upload/", {"file": file, "mode": mode, "once": "x", **more})


def only(actor: Actor) -> SegmentUpload:
    with tenant_context(actor.workspace.pk):
        upload: SegmentUpload = SegmentUpload.objects.get()
        return upload


def url(upload: SegmentUpload, end: str = "") -> str:
    return f"segments/{upload.segment_id}/upload/{upload.pk}/{end}"


def check(actor: Actor, *, mode: str = "add", **columns: str) -> SegmentUpload:
    """Take the columns as they were guessed, but for those given, and let a worker read and match."""
    upload = only(actor)
    targets = {f"column-{i}": column["target"] for i, column in enumerate(upload.mapping)}
    answer = actor.post(url(upload, "check/"), {**targets, **columns, "mode": mode})
    assert answer.status_code == 302, text(answer)
    segment_upload.work(actor.workspace.pk, upload.pk)
    return only(actor)


def confirm(actor: Actor) -> SegmentUpload:
    upload = only(actor)
    assert actor.post(url(upload, "confirm/")).status_code == 302
    segment_upload.work(actor.workspace.pk, upload.pk)
    return only(actor)


def found(upload: SegmentUpload) -> segment_upload.Found:
    return segment_upload.Found(**upload.found)


def staging_tables(actor: Actor) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'staging' AND tablename LIKE %s",
                       [f"t{actor.workspace.pk}\\_%"])  # fmt: skip
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("mode", "entering", "leaving", "after"),
    [("add", [2], [], [0, 1, 2]), ("replace", [2], [1], [0, 2]), ("subtract", [], [0], [1])],
)
def test_a_file_adds_replaces_or_removes(
    alice: Actor, place: Any, mode: str, entering: list[int], leaving: list[int], after: list[int]
) -> None:
    segment, ids = place
    answer = send(alice, segment, mode=mode)
    page = text(alice.client.get(answer["Location"]))
    assert "Which columns name the contacts?" in page
    assert "CLEO@Example.com" in page
    upload = check(alice, mode=mode)
    figures = found(upload)
    assert (upload.state, figures.rows, figures.in_error) == ("review", 4, 1)
    assert figures.by == {"email": 2}
    assert (figures.not_found, figures.ambiguous, figures.contacts, figures.size) == (1, 0, 2, 2)
    assert figures.entering_samples == [ids[i] for i in entering]
    assert figures.leaving_samples == [ids[i] for i in leaving]
    assert (figures.entering, figures.leaving, figures.after) == (len(entering), len(leaving), len(after))
    review = text(alice.get(url(upload)))
    assert "Found by E-mail 2" in review
    assert members(alice, segment) == ids[:2], "nothing is written before the confirmation"
    upload = confirm(alice)
    assert upload.state == "done"
    assert members(alice, segment) == [ids[i] for i in after]
    with tenant_context(alice.workspace.pk):
        assert Contact.objects.count() == 4, "no contact is made"
        assert not Import.objects.exists()
        assert set(MemberChange.objects.values_list("cause", flat=True)) == {"upload"}
        assert AuditEntry.objects.filter(verb="segment.file_applied").count() == 1
        told = list(Notice.objects.order_by("pk").values_list("text", flat=True))
        assert told[0] == "list.csv is ready for review."
        assert told[1:] == [f"list.csv has changed VIP: {len(entering)} entered, {len(leaving)} left."]
    assert staging_tables(alice) == 0
    done = text(alice.get(url(upload)))
    assert f"{len(entering)} entered, {len(leaving)} left." in done
    assert "Undone" in follow(alice, alice.post(f"segments/{segment.pk}/edits/{upload.edit_id}/undo/"))
    assert members(alice, segment) == ids[:2]
    assert "This was undone" in text(alice.get(url(upload)))


def test_a_second_click_of_any_button_changes_nothing(alice: Actor, place: Any) -> None:
    segment, ids = place
    assert send(alice, segment)["Location"] == send(alice, segment)["Location"]
    upload = check(alice)
    assert alice.post(url(upload, "check/"), {"column-0": "phone"}).status_code == 302
    assert only(alice).state == "review"
    alice.post(url(upload, "confirm/"))
    alice.post(url(upload, "confirm/"))
    segment_upload.work(alice.workspace.pk, upload.pk)
    segment_upload.work(alice.workspace.pk, upload.pk)
    again = alice.post(url(upload, "confirm/"))
    assert "no longer waits for a confirmation" in follow(alice, again)
    assert "can no longer be canceled" in follow(alice, alice.post(url(upload, "cancel/")))
    assert members(alice, segment) == ids[:3]
    with tenant_context(alice.workspace.pk):
        assert SegmentEdit.objects.count() == 1


def test_rows_are_matched_by_every_identifier_as_in_imports(alice: Actor, place: Any) -> None:
    segment, ids = place
    with tenant_context(alice.workspace.pk):
        Contact.objects.filter(pk=ids[2]).update(phone="+447911123456", external_id="C-3")
        Contact.objects.filter(pk=ids[3]).update(external_id="C-4")
        Contact.objects.create(email="twin@example.com")
        Contact.objects.create(email="twin@example.com")
        Alias.objects.create(kind="email", value="former@example.com", contact_id=ids[1], merge_id=1)
    rows = (
        "Customer number,Mail,Mobile\n"
        "C-4,,\n"  # by external ID
        ",,07911 123456\n"  # by phone, as it is dialled at home
        ",twin@example.com,\n"  # two contacts have it
        ",former@example.com,\n"  # what Ben was called before
        ",nobody@example.com,\n"
    )
    send(alice, segment, rows, mode="replace")
    upload = check(alice, mode="replace", **{"column-0": "external_id", "column-1": "email", "column-2": "phone"})
    figures = found(upload)
    assert figures.by == {"external_id": 1, "email": 1, "phone": 1}
    assert (figures.ambiguous, figures.not_found) == (1, 1)
    assert figures.leaving_samples == [ids[0]]
    assert "Could be several contacts 1" in text(alice.get(url(upload)))
    confirm(alice)
    assert members(alice, segment) == ids[1:4]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"email\n", "no rows"),
        (b"email,email\nx,y\n", "email"),
        (b"PK\x03\x04 broken", "damaged"),
        (b'email\n"ann@example.com\n', "quote"),
    ],
)
def test_a_bad_file_is_refused_with_words_and_leaves_nothing(
    alice: Actor, place: Any, content: bytes, said: str
) -> None:
    answer = send(alice, place[0], content)
    assert answer.status_code == 422
    assert said in text(answer).lower()
    with tenant_context(alice.workspace.pk):
        assert not SegmentUpload.objects.exists()
    assert not list((Path(settings.UPLOAD_DIR) / str(alice.workspace.pk)).glob("*"))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "Choose at least one column"),
        ({"column-0": "email", "column-1": "email"}, "Choose one column only for E-mail."),
        ({"column-0": "first_name"}, "cannot be used"),
    ],
)
def test_columns_that_name_nobody_are_refused(alice: Actor, place: Any, columns: dict[str, str], said: str) -> None:
    send(alice, place[0])
    answer = alice.post(url(only(alice), "check/"), columns)
    assert answer.status_code == 422
    assert said in text(answer)
    assert only(alice).state == "draft"


def test_workbooks_archives_and_other_encodings_are_read(alice: Actor, place: Any) -> None:
    segment, ids = place
    book = workbook([["email"], ["cleo@example.com"]])
    for content, name in (
        (book, "list.xlsx"),
        (gzip.compress(b"email\ncleo@example.com\n", mtime=0), "list.csv.gz"),
        ("email;city\ncleo@example.com;Łódź\n".encode("utf-16"), "list.csv"),
        (b"email\tcity\r\ncleo@example.com\tRiga\r\n", "list.tsv"),
    ):
        send(alice, segment, content, name=name)
        upload = check(alice)
        assert (upload.state, found(upload).entering_samples) == ("review", [ids[2]]), name
        alice.post(url(upload, "cancel/"))
        assert only(alice).state == "canceled"
        with tenant_context(alice.workspace.pk):
            SegmentUpload.objects.all().delete()
    assert staging_tables(alice) == 0
    assert members(alice, segment) == ids[:2]


def test_a_file_that_is_gone_is_told(alice: Actor, place: Any) -> None:
    send(alice, place[0])
    upload = only(alice)
    (Path(settings.UPLOAD_DIR) / upload.path).unlink()
    for answer in (alice.get(url(upload)), alice.post(url(upload, "read/"), {"separator": ";"})):
        assert answer.status_code in (200, 422)
        assert "The file is no longer available." in text(answer)
    upload = check(alice)
    assert upload.state == "failed"
    assert upload.reason


def test_pasted_rows_are_a_file(alice: Actor, place: Any) -> None:
    segment, ids = place
    answer = alice.post(f"segments/{segment.pk}/upload/", {"text": "email\ndan@example.com\n", "mode": "add"})
    assert answer.status_code == 302
    check(alice)
    confirm(alice)
    assert members(alice, segment) == [*ids[:2], ids[3]]


def test_nothing_to_do_is_said_and_cannot_be_confirmed(alice: Actor, place: Any) -> None:
    segment, ids = place
    for rows, said in (
        ("email\nnobody@example.com\n", "No contact of this file was found"),
        ("email\nann@example.com\n", "The segment would not change."),
    ):
        send(alice, segment, rows)
        upload = check(alice)
        assert said in text(alice.get(url(upload)))
        answer = alice.post(url(upload, "confirm/"))
        assert answer.status_code == 422
        assert said in text(answer)
        with tenant_context(alice.workspace.pk):
            SegmentUpload.objects.all().delete()
    assert members(alice, segment) == ids[:2]


@pytest.mark.parametrize("mode", ["add", "replace", "subtract"])
def test_a_file_that_names_nobody_shows_a_segment_that_stays(alice: Actor, place: Any, mode: str) -> None:
    send(alice, place[0], "email\nnobody@example.com\n", mode=mode)
    figures = found(check(alice, mode=mode))
    assert (figures.entering, figures.leaving, figures.size, figures.after) == (0, 0, 2, 2)
    assert (figures.entering_samples, figures.leaving_samples) == ([], [])


def test_a_file_that_ends_badly_says_why(alice: Actor, place: Any) -> None:
    segment, ids = place
    with tenant_context(alice.workspace.pk):
        type(alice.workspace).objects.filter(pk=alice.workspace.pk).update(max_rows=2)
    send(alice, segment)
    upload = check(alice)
    assert upload.state == "failed"
    page = text(alice.get(url(upload)))
    assert "The segment was not changed." in page
    assert "The file has 4 rows. The limit of this workspace is 2." in page
    assert staging_tables(alice) == 0
    assert members(alice, segment) == ids[:2]


def test_a_segment_that_is_deleted_meanwhile_is_not_changed(alice: Actor, place: Any) -> None:
    segment, ids = place
    send(alice, segment)
    upload = check(alice)
    alice.post(f"segments/{segment.pk}/delete/")
    upload = confirm(alice)
    assert (upload.state, upload.edit_id) == ("failed", None)
    assert "The segment was deleted." in upload.reason
    assert members(alice, segment) == ids[:2]


def test_contacts_that_are_deleted_after_the_review_do_not_enter(alice: Actor, place: Any) -> None:
    segment, ids = place
    send(alice, segment)
    check(alice)
    with tenant_context(alice.workspace.pk):
        Contact.objects.filter(pk=ids[2]).update(deleted_at=timezone.now())
    assert confirm(alice).state == "done"
    assert members(alice, segment) == ids[:2]


def test_the_same_file_becomes_an_import(alice: Actor, place: Any) -> None:
    segment, _ids = place
    send(alice, segment)
    upload = check(alice)
    assert "Import this file" in text(alice.get(url(upload)))
    first = alice.post(url(upload, "import/"))
    assert alice.post(url(upload, "import/"))["Location"] == first["Location"]
    with tenant_context(alice.workspace.pk):
        imp = Import.objects.get()
        assert imp.file_name == "list.csv"
        assert imp.path != upload.path
    assert "list.csv" in text(alice.client.get(first["Location"]))


def test_erasing_a_person_removes_the_file_and_ends_the_upload(alice: Actor, place: Any) -> None:
    from imports import contact_data

    segment, ids = place
    send(alice, segment)
    upload = check(alice)
    path = Path(settings.UPLOAD_DIR) / upload.path
    with tenant_context(alice.workspace.pk):
        contact_data.erase([ids[1]], [("email", "ben@example.com")])
    assert path.is_file()
    with tenant_context(alice.workspace.pk):
        contact_data.erase([ids[0]], [("email", "ann@example.com")])
    file_removals.work(alice.workspace.pk)
    assert not path.exists()
    assert only(alice).state == "canceled"
    assert staging_tables(alice) == 0


def test_what_nobody_confirms_ends_and_files_are_removed(alice: Actor, place: Any) -> None:
    send(alice, place[0])
    upload = check(alice)
    now = timezone.now()
    cleanup.workspace(alice.workspace, now=now + timedelta(days=segment_upload.WAIT_DAYS - 1))
    assert only(alice).state == "review"
    cleanup.workspace(alice.workspace, now=now + timedelta(days=segment_upload.WAIT_DAYS + 1))
    assert only(alice).state == "canceled"
    assert staging_tables(alice) == 0
    job.work(alice.workspace.pk, now=now + timedelta(days=3_000))
    file_removals.work(alice.workspace.pk)
    assert not (Path(settings.UPLOAD_DIR) / upload.path).exists()
    with tenant_context(alice.workspace.pk):
        assert SegmentUpload.objects.count() == 1
        Segment.objects.all().delete()
    cleanup.workspace(alice.workspace, now=now)
    with tenant_context(alice.workspace.pk):
        assert not SegmentUpload.objects.exists()


def test_outsiders_and_viewers_find_nothing(alice: Actor, charlie: Actor, member: Any, place: Any) -> None:
    segment, _ids = place
    assert send(charlie, segment).status_code == 404
    send(alice, segment)
    upload = only(alice)
    for actor in (charlie, member("viewer")):
        for end in ("", "live/", "check/", "confirm/", "cancel/", "read/", "import/"):
            ask = actor.get if end in ("", "live/") else actor.post
            assert ask(url(upload, end)).status_code == 404
    with tenant_context(alice.workspace.pk):
        other = static("Other")
    assert alice.get(f"segments/{other.pk}/upload/{upload.pk}/").status_code == 404


def test_a_worker_that_dies_loses_one_step(alice: Actor, place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each step in turn the transaction is lost; the next worker goes on, and the members end exactly right."""
    segment, ids = place
    send(alice, segment, mode="replace")
    upload = only(alice)
    alice.post(url(upload, "check/"), {"column-0": "email", "mode": "replace"})
    original = segment_upload.step
    lost: list[str] = []

    def dies_first(row: SegmentUpload) -> bool:
        mark = f"{row.state} {row.cursor}"
        more = original(row)
        if mark not in lost:
            lost.append(mark)
            raise KeyboardInterrupt  # as a killed process: nothing of the transaction stays
        return more

    monkeypatch.setattr(segment_upload, "step", dies_first)

    def until_it_waits() -> None:
        for _turn in range(20):
            try:
                segment_upload.work(alice.workspace.pk, upload.pk)
            except KeyboardInterrupt:
                continue
            return

    until_it_waits()
    assert only(alice).state == "review", only(alice).reason
    alice.post(url(upload, "confirm/"))
    until_it_waits()
    assert only(alice).state == "done", only(alice).reason
    assert len(lost) >= 4
    assert members(alice, segment) == [ids[0], ids[2]]
    with tenant_context(alice.workspace.pk):
        assert SegmentEdit.objects.count() == 1
        assert Member.objects.filter(segment_id=segment.pk).count() == 2
    assert staging_tables(alice) == 0


def test_the_progress_leads_to_the_review(alice: Actor, place: Any) -> None:
    send(alice, place[0])
    upload = only(alice)
    alice.post(url(upload, "check/"), {"column-0": "email"})
    assert "Reading the file" in text(alice.get(url(upload)))
    assert alice.get(url(upload, "live/")).status_code == 200
    segment_upload.work(alice.workspace.pk, upload.pk)
    assert alice.get(url(upload, "live/"), headers={"HX-Request": "true"}).status_code == 286


@pytest.mark.parametrize("mode", ["add", "replace", "subtract"])
def test_a_large_file_for_a_workspace_of_which_the_planner_knows_nothing(mode: str) -> None:
    """The work grows with the file and the segment, and not with their product."""
    plans.forget_statistics("contact", "segment_member", "segment_edit_row", "segment_change")
    tenant, many = workspace(person("Ann")), 2_000
    with tenant_context(tenant.pk):
        made = Contact.objects.bulk_create(Contact(email=f"p{i}@example.com") for i in range(many))
        segment = static("VIP", [contact.pk for contact in made[::2]])
        rows = "email\n" + "".join(f"p{i}@example.com\n" for i in range(0, many, 3))
        upload = segment_upload.receive(
            [rows.encode()], segment=segment, mode=mode, file_name="list.csv", tenant=tenant, user=None, once="x"
        )
        segment_upload.begin(upload)
    with plans.counted(25 * many, only="segment_") as seen:
        segment_upload.work(tenant.pk, upload.pk)
        with tenant_context(tenant.pk):
            assert segment_upload.confirm(SegmentUpload.objects.get(pk=upload.pk))
        segment_upload.work(tenant.pk, upload.pk)
        with tenant_context(tenant.pk):
            member_edits.undo(SegmentEdit.objects.get(), user_id=None)
    assert len(seen) > 10
    with tenant_context(tenant.pk):
        left = set(Member.objects.filter(segment_id=segment.pk).values_list("contact_id", flat=True))
    assert left == {contact.pk for contact in made[::2]}
