"""A real, messy CRM export of 12,000 rows through the command line: command, page and database say the same."""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections

from cdp.demo import people, workspace
from contacts.models import Contact
from contacts.values.identifiers import bare_email, normal_email, normal_phone
from core.formatting import number
from imports import phases
from imports.models import Import, Phase, RejectedRow, RowEffect, RowIssue
from imports.pipeline import worker as import_worker
from segments.models import Member, Segment
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor

ROWS = 12_000
SEED = 11
SHARES = {"bad": 0.06, "duplicates": 0.05, "malformed": 0.01}


def fixture_rows() -> Iterator[list[str]]:
    return people.western(ROWS, SEED, **SHARES)


@pytest.fixture
def worker() -> Iterator[Callable[[Tenant], None]]:
    """A worker in a thread, for the command that waits for one."""
    over = threading.Event()
    threads: list[threading.Thread] = []

    def work(tenant: Tenant) -> None:
        try:
            while not over.wait(0.02):
                with tenant_context(tenant.pk):
                    waiting = list(Import.objects.exclude(phase__in=phases.WAITING).values_list("pk", flat=True))
                for import_id in waiting:
                    import_worker.work(tenant.pk, import_id)
        finally:
            connections.close_all()

    def start(tenant: Tenant) -> None:
        threads.append(threading.Thread(target=work, args=(tenant,)))
        threads[-1].start()

    yield start
    over.set()
    for thread in threads:
        thread.join(30)


def import_contacts(tenant: Tenant, path: Path, *arguments: str) -> dict[str, Any]:
    said = StringIO()
    call_command("import_contacts", str(path), f"--workspace={tenant.slug}", "--json", *arguments, stdout=said)
    found: dict[str, Any] = json.loads(said.getvalue())
    return found


def crm_file() -> workspace.File:
    return workspace.File("crm.csv", fixture_rows, header=workspace.CRM_HEADER, encoding="cp1252", separator=";")


def settings() -> list[str]:
    maps = workspace.CRM.maps.items()
    return [f"--set=map.{name}={target}" for name, target in maps] + ["--set=segment=CRM"]


@pytest.fixture(params=[("cp1252", ";"), ("utf-16", ";"), ("utf-8-sig", "\t")], ids=lambda p: p[0])
def export(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The file, made anew: Windows-1252 as a German Excel saves it, UTF-16 as others do."""
    encoding, separator = request.param
    path = tmp_path / "crm-export.csv"
    made = people.write(path, fixture_rows(), header=workspace.CRM_HEADER, encoding=encoding, separator=separator)
    assert made == ROWS
    return path


# The truth, from the tables alone.
COUNTS = """
SELECT (SELECT count(*) FROM contact WHERE tenant_id = %(tenant)s),
       (SELECT count(*) FROM touched WHERE tenant_id = %(tenant)s AND import_id = %(id)s AND outcome = 'c'),
       (SELECT count(DISTINCT row_no) FROM row_issue
        WHERE tenant_id = %(tenant)s AND import_id = %(id)s AND severity = 'error'),
       (SELECT count(DISTINCT row_no) FROM row_issue
        WHERE tenant_id = %(tenant)s AND import_id = %(id)s AND code = 'duplicate_of_line'),
       (SELECT count(*) FROM segment_member WHERE tenant_id = %(tenant)s)"""


def test_command_page_and_database_say_the_same(
    alice: Actor, export: Path, worker: Callable[[Tenant], None], tmp_path: Path
) -> None:
    worker(alice.workspace)
    errors = tmp_path / "errors.csv"
    said = import_contacts(alice.workspace, export, *settings(), f"--errors={errors}")
    assert (said["status"], said["rows"], said["updated"], said["skipped"]) == ("imported", ROWS, 0, 0)
    assert sum(said[name] for name in Import.OUTCOMES) == ROWS
    with tenant_context(alice.workspace.pk), connection.cursor() as cursor:
        cursor.execute(COUNTS, {"tenant": alice.workspace.pk, "id": said["id"]})
        contacts, created, in_error, duplicates, members = cursor.fetchone()
        issues = Counter(RowIssue.objects.values_list("code", flat=True))
    assert contacts == created == members == said["created"]
    assert (in_error, duplicates) == (said["in_error"], said["duplicates"])
    assert said["issues_by_code"] == dict(issues)
    page = alice.get(f"imports/{said['id']}/").content.decode()
    assert figures(page) == [number(said[name]) for name in (*Import.OUTCOMES, "rows")]
    assert len(errors.read_text("utf-8-sig").splitlines()) == said["in_error"] + 1


def figures(page: str) -> list[str]:
    """The figures of the sum on the result page: the six outcomes, and the rows of the file."""
    found = re.findall(r'<dd class="figure[^>]*>(.*?)</dd>', page, re.DOTALL)
    return [re.sub(r"<[^>]*>", "", cell).strip() for cell in found]


def test_the_figures_are_those_that_the_rows_themselves_give(
    tenant: Tenant, tmp_path: Path, worker: Callable[[Tenant], None]
) -> None:
    worker(tenant)
    path = workspace.File("crm.csv", fixture_rows, header=workspace.CRM_HEADER, encoding="cp1252", separator=";").write(
        tmp_path
    )
    said = import_contacts(tenant, path, *settings())
    expected: Counter[str] = Counter()
    persons = set()
    for cells in fixture_rows():
        outcome = expect(cells)
        if outcome == "good" and cells[2] in persons:
            outcome = "duplicates"
        persons |= {cells[2]} if outcome == "good" else set()
        expected[outcome] += 1
    assert said["in_error"] == expected["in_error"]
    assert said["duplicates"] == expected["duplicates"]
    assert said["created"] == expected["good"]


def expect(cells: list[str]) -> str:
    """What must become of a row by itself, said by the plain functions."""
    if len(cells) != len(people.HEADER):
        return "in_error"
    email, phone, country = cells[0], cells[1], cells[6]
    wrong = (email.strip() and not normal_email(bare_email(email))) or (phone and not normal_phone(phone, country))
    return "in_error" if wrong else "good"


def test_the_file_again_changes_nothing(tenant: Tenant, tmp_path: Path, worker: Callable[[Tenant], None]) -> None:
    worker(tenant)
    path = workspace.File("crm.csv", fixture_rows, header=workspace.CRM_HEADER, encoding="cp1252", separator=";").write(
        tmp_path
    )
    first = import_contacts(tenant, path, *settings())
    again = import_contacts(tenant, path, *settings())
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, first["created"])
    assert (again["duplicates"], again["in_error"]) == (first["duplicates"], first["in_error"])
    with tenant_context(tenant.pk):
        assert Contact.objects.count() == first["created"]
        assert not RowEffect.objects.filter(import_id=again["id"]).exists()
        assert RejectedRow.objects.filter(import_id=again["id"]).count() == again["in_error"]


def test_the_command_stops_at_the_review_when_asked(
    tenant: Tenant, tmp_path: Path, worker: Callable[[Tenant], None]
) -> None:
    worker(tenant)
    path = workspace.File("crm.csv", lambda: people.rows(300, SEED)).write(tmp_path)
    said = import_contacts(tenant, path, "--review", "--set=segment=CRM")
    assert (said["status"], said["rows"]) == ("ready_for_review", 300)
    with tenant_context(tenant.pk):
        assert Import.objects.get(pk=said["id"]).phase == Phase.REVIEW
        assert not Contact.objects.exists()
        assert not Segment.objects.exists()
        assert not Member.objects.exists()
