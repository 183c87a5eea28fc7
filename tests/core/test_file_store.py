"""Files in a folder, and files in a bucket that several machines share."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from api import problems
from contacts.models import Contact
from core import file_store
from imports.models import Import, Unit
from imports.options import Options
from imports.pipeline import worker
from imports.wizard import upload
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.api.helpers import problem, program
from tests.cast import Actor
from tests.imports.helpers import again, go_on, proved, receive, work
from tests.imports.minimal_workbook import sheet_xml, workbook
from tests.s3_server import S3Server

ROWS = "email,first_name\nann@example.com,Ann\nbjorn@example.com,Bjørn\nnowhere,Cat\n"


@pytest.fixture(scope="module")
def s3_server() -> Iterator[S3Server]:
    server = S3Server()
    yield server
    server.stop()


@pytest.fixture
def object_store(s3_server: S3Server, settings: Any, tmp_path: Any) -> S3Server:
    """Files are kept in a bucket; this machine begins with an empty folder."""
    settings.OBJECT_STORE, settings.UPLOAD_DIR = s3_server.address, str(tmp_path / "here")
    assert file_store.forget_copies() == 0
    return s3_server


@pytest.fixture
def machine(settings: Any, tmp_path: Path) -> Callable[[str], None]:
    """Go on as another machine, whose folder is its own."""

    def become(name: str) -> None:
        settings.UPLOAD_DIR = str(tmp_path / name)

    return become


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("s3://key:s%2Fcret@store.example:9000/files", ("https://store.example:9000", "files", "s/cret", "path")),
        ("s3://key:secret@store.example/files?region=eu-1&tls=no", ("http://store.example", "files", "secret", "path")),
        ("s3:///files?region=eu-central-1", (None, "files", None, "auto")),
    ],
)
def test_addresses_of_stores(address: str, expected: tuple[Any, ...]) -> None:
    options = file_store.options_of(address)
    names = ("endpoint_url", "bucket_name", "secret_key", "addressing_style")
    assert tuple(options[name] for name in names) == expected


@pytest.mark.parametrize(
    "address", ["http://h/b", "s3://key:hush@host", "s3://key:hush@host/a/b", "s3://h/b?colour=red"]
)
def test_other_addresses_are_refused_without_their_secret(address: str) -> None:
    with pytest.raises(ValueError, match="OBJECT_STORE must be") as problem:
        file_store.options_of(address)
    assert "hush" not in str(problem.value)


def test_a_folder_is_a_store(settings: Any, tmp_path: Path) -> None:
    settings.UPLOAD_DIR = str(tmp_path)
    (tmp_path / "1").mkdir()
    file_store.path_of("1/a.csv").write_text("a")
    file_store.keep("1/a.csv")
    assert file_store.fetch("1/a.csv").read_text() == "a"
    assert file_store.exists("1/a.csv")
    assert file_store.forget_copies(now=time.time() + 10 * file_store.KEEP_COPIES_SECONDS) == 0, "they are no copies"
    file_store.remove("1/a.csv", "1/b.csv")
    assert not file_store.exists("1/a.csv")
    with pytest.raises(FileNotFoundError):
        file_store.fetch("1/a.csv")


def test_a_file_goes_from_machine_to_machine(object_store: S3Server, machine: Callable[[str], None]) -> None:
    path = file_store.path_of("1/a.csv")
    path.parent.mkdir(parents=True)
    path.write_text("first")
    file_store.keep("1/a.csv")
    machine("there")
    there = file_store.fetch("1/a.csv")
    assert (there.read_text(), there.stat().st_mode & 0o777) == ("first", 0o600)
    machine("here")
    path.write_text("other")
    file_store.keep("1/a.csv")
    machine("there")
    assert file_store.fetch("1/a.csv").read_text() == "other", "a copy that is out of date is fetched again"
    machine("here")
    file_store.remove("1/a.csv")
    machine("there")
    with pytest.raises(FileNotFoundError):
        file_store.fetch("1/a.csv")


def test_copies_go_and_come_back(object_store: S3Server) -> None:
    path = file_store.path_of("1/a.csv")
    path.parent.mkdir(parents=True)
    path.write_text("first")
    file_store.keep("1/a.csv")
    assert file_store.forget_copies() == 0, "it was used a moment ago"
    assert file_store.forget_copies(now=time.time() + file_store.KEEP_COPIES_SECONDS + 60) == 1
    assert os.listdir(path.parent) == []
    assert file_store.fetch("1/a.csv").read_text() == "first"


def test_a_store_that_is_away(object_store: S3Server, machine: Callable[[str], None]) -> None:
    path = file_store.path_of("1/a.csv")
    path.parent.mkdir(parents=True)
    path.write_text("first")
    file_store.keep("1/a.csv")
    with object_store.away():
        assert file_store.fetch("1/a.csv").read_text() == "first", "a copy is good enough"
        machine("there")
        for call in (file_store.fetch, file_store.exists, file_store.remove):
            with pytest.raises(file_store.StoreUnavailable):
                call("1/a.csv")
    assert file_store.fetch("1/a.csv").read_text() == "first"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_import_on_three_machines(
    object_store: S3Server, machine: Callable[[str], None], tenant: Tenant, encoding: str
) -> None:
    """Uploaded on one, worked on by others, which share nothing but the bucket and the database."""
    imp = receive(tenant, ROWS.encode(encoding))
    assert imp.path in object_store.names()
    machine("there")
    done = go_on(tenant, imp.pk)
    assert (done.status, done.created, done.in_error) == ("imported", 2, 1)
    proved(tenant, done)
    machine("third")
    with tenant_context(tenant.pk):
        assert upload.original_path(done).read_bytes() == ROWS.encode(encoding)
        upload.discard(done)
    assert not {name for name in object_store.names() if name.startswith(imp.path[:20])}


def test_a_workbook_and_its_sheets(object_store: S3Server, machine: Callable[[str], None], tenant: Tenant) -> None:
    more = sheet_xml([["email"], ["bob@example.com"], ["cat@example.com"]]).encode()
    rows = [["email"], ["ann@example.com"]]
    book = workbook(rows, sheets=("One", "Two"), more={"xl/worksheets/sheet2.xml": more})
    imp = receive(tenant, book, name="book.xlsx")
    machine("there")
    with tenant_context(tenant.pk):
        assert upload.original_path(imp).read_bytes() == book
        upload.select_sheet(imp, tenant, imp.sheets[1])
    machine("here")
    done = go_on(tenant, imp.pk)
    assert (done.status, done.created) == ("imported", 2), "the first machine's copy of the first sheet is out of date"


def test_a_store_that_is_away_changes_no_sheet(object_store: S3Server, tenant: Tenant) -> None:
    more = sheet_xml([["email"], ["bob@example.com"]]).encode()
    book = workbook([["email"], ["ann@example.com"]], sheets=("One", "Two"), more={"xl/worksheets/sheet2.xml": more})
    imp = receive(tenant, book, name="book.xlsx")
    with object_store.away(), pytest.raises(file_store.StoreUnavailable), tenant_context(tenant.pk):
        upload.select_sheet(imp, tenant, imp.sheets[1])
    done = go_on(tenant, imp.pk)
    with tenant_context(tenant.pk):
        assert [contact.email for contact in Contact.objects.all()] == ["ann@example.com"]
    assert (done.status, done.sheet) == ("imported", "One")
    folder = file_store.path_of(str(tenant.pk))
    assert sorted(path.suffix for path in folder.iterdir() if path.suffix != ".etag") == [".csv", ".original"]


def test_an_import_waits_for_its_file(object_store: S3Server, machine: Callable[[str], None], tenant: Tenant) -> None:
    """However often a worker finds the store away, the unit has lost nothing, and the import goes on afterwards."""
    imp = receive(tenant, ROWS)
    machine("there")
    with object_store.away():
        with tenant_context(tenant.pk):
            settings = Options.parse({})
            columns = [{"target": target} for target in ("email", "first_name")]
            upload.start(imp, options=settings, columns=columns, auto_start=True)
        for _times in range(3):
            worker.work(tenant.pk, imp.pk)
        with tenant_context(tenant.pk):
            unit = Unit.objects.get(import_id=imp.pk)
        assert (unit.attempts, unit.losses, unit.claimed_at) == (0, 0, None)
        assert not again(tenant, imp).ended
    assert work(tenant, imp).status == "imported"
    with tenant_context(tenant.pk):
        assert Contact.objects.count() == 2


def test_pages_say_that_the_store_is_away(
    object_store: S3Server, machine: Callable[[str], None], alice: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    imp = receive(alice.workspace, ROWS)
    machine("there")
    with object_store.away():
        page = alice.get(f"imports/{imp.pk}/")
        answer = alice.post("imports/upload/", {"file": SimpleUploadedFile("a.csv", ROWS.encode())})
    for response in (page, answer):
        assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
        assert "The file storage does not answer" in response.text
    assert "needs the object store" in caplog.text
    assert alice.get(f"imports/{imp.pk}/").status_code == 200
    left = {name.removesuffix(".etag") for name in os.listdir(file_store.path_of(str(alice.workspace.pk)))}
    assert left == {imp.path.split("/")[1]}, "nothing of the refused upload"


def test_programs_are_told_that_the_store_is_away() -> None:
    found = problems.of(file_store.StoreUnavailable("no answer"))
    assert found is not None
    assert (found.status, found.code) == (503, "store_unavailable")


@pytest.mark.parametrize("in_bucket", [True, False])
def test_a_program_names_a_file_of_the_store(
    in_bucket: bool, object_store: S3Server, settings: Any, alice: Actor, charlie: Actor
) -> None:
    if not in_bucket:
        settings.OBJECT_STORE = ""
    sync, name = program(alice), f"incoming/{alice.workspace.pk}/2026/people.csv"
    path = file_store.path_of(name)
    path.parent.mkdir(parents=True)
    path.write_text(ROWS)
    file_store.keep(name)
    made = sync.call("POST", "imports?object=2026/people.csv&description=Nightly")
    assert (made.status_code, made.json()["file_name"], made.json()["description"]) == (201, "people.csv", "Nightly")
    with tenant_context(alice.workspace.pk):
        imp = Import.objects.get()
    assert work(alice.workspace, imp).created == 2
    assert problem(program(charlie).call("POST", "imports?object=2026/people.csv")) == (422, "object_unknown")
    both = sync.call("POST", "imports?object=2026/people.csv", data=ROWS, content_type="text/csv")
    assert problem(both) == (422, "parameters_invalid")


@pytest.mark.parametrize(
    "name",
    ["nope.csv", "../1/people.csv", "/etc/passwd", "a/../../x", ".", "..", "a//b", "a\\b", "x" * 256, "a\nb", " "],
)
def test_names_that_lead_elsewhere_name_nothing(settings: Any, tmp_path: Path, alice: Actor, name: str) -> None:
    settings.UPLOAD_DIR = str(tmp_path)
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "people.csv").write_text(ROWS)
    with pytest.raises(FileNotFoundError):
        file_store.fetch_incoming(alice.workspace.pk, name)
    assert problem(program(alice).call("POST", f"imports?{urlencode({'object': name})}")) == (422, "object_unknown")


def test_what_a_killed_program_was_writing_goes_after_a_day(settings: Any, tmp_path: Path) -> None:
    settings.UPLOAD_DIR = str(tmp_path)
    drafts = ["1/a.part", "1/b.csv.0123.part", "exports/17/c.part"]
    others = ["1/a.csv", "incoming/1/d.part", "incoming/1/2026/e.part", "exports/17/contacts-1.csv", "f.part"]
    for name in (*drafts, *others):
        file_store.path_of(name).parent.mkdir(parents=True, exist_ok=True)
        file_store.path_of(name).write_text("x")
    assert file_store.forget_drafts() == 0, "it may be being written"
    assert file_store.forget_drafts(now=time.time() + file_store.KEEP_COPIES_SECONDS + 60) == 3
    assert [name for name in (*drafts, *others) if file_store.path_of(name).exists()] == others
