"""Imports by the API: the same as by page and command, from the upload to the undo."""

import gzip
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from contacts.models import Contact
from core.long_poll import AGAIN, NOT_YET
from imports.models import Import, Phase, SavedMapping
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.api.helpers import Program, problem, program
from tests.cast import Actor
from tests.imports.helpers import again, work

FILE = "email,first name,shoe\nann@x.example,Ann,40\nnot-an-address,Ben,41\n"


@pytest.fixture
def sync(alice: Actor) -> Program:
    return program(alice)


def upload(sync: Program, content: str | bytes = FILE, /, **fields: Any) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    return sync.form("imports", {"file": SimpleUploadedFile("crm.csv", raw), **fields})


def end(sync: Program, import_id: int) -> Import:
    with tenant_context(sync.workspace.pk):
        imp = Import.objects.get(pk=import_id)
    return work(sync.workspace, imp)


def test_a_form_is_imported(sync: Program) -> None:
    fields: dict[str, Any] = {"map.shoe": "new:integer:shoe:Shoe", "segment": ["A", "B"], "description": "Nightly"}
    made = upload(sync, **fields)
    assert made.status_code == 201, made.content
    said = made.json()
    assert (said["status"], said["origin"], said["file_name"], said["description"]) == (
        "preparing", "api", "crm.csv", "Nightly",
    )  # fmt: skip
    end(sync, said["id"])
    done = sync.get(f"imports/{said['id']}").json()
    assert (done["status"], done["ended"], done["rows"], done["created"], done["in_error"]) == (
        "imported", True, 2, 1, 1,
    )  # fmt: skip
    assert done["issues_by_code"] == {"not_an_email": 1}
    assert done["created_at"].endswith("Z")
    with tenant_context(sync.workspace.pk):
        contact = Contact.objects.get()
        assert (contact.email, contact.attributes["shoe"]) == ("ann@x.example", 40)
        imp = Import.objects.get()
        assert (imp.created_by_id, imp.options["segments"]) == (sync.user.pk, ["A", "B"])
        entry = AuditEntry.objects.get(verb="import.uploaded")
        assert (entry.user_id, entry.detail["by"]) == (sync.user.pk, "API token Sync")


@pytest.mark.parametrize("kind", ["text/csv", "text/plain", "application/octet-stream", "application/gzip"])
def test_a_file_is_the_whole_body(sync: Program, kind: str) -> None:
    content = gzip.compress(FILE.encode()) if kind.endswith("gzip") else FILE.encode()
    path = "imports?file_name=nightly.csv&mode=create_only&segment=A&segment=B&map.shoe=skip"
    made = sync.call("POST", path, data=content, content_type=kind)
    assert made.status_code == 201, made.content
    assert made.json()["file_name"] == "nightly.csv"
    with tenant_context(sync.workspace.pk):
        imp = Import.objects.get()
        assert (imp.options["mode"], imp.options["segments"]) == ("create_only", ["A", "B"])
    assert end(sync, imp.pk).created == 1


def test_settings_are_json_or_fields_and_fields_of_json_win(sync: Program) -> None:
    settings = {"mode": "create_only", "map": {"shoe": "new:integer:shoe"}, "segment": ["A"], "header": True}
    made = upload(sync, settings=json.dumps(settings), mode="update_only", blank="clear")
    assert made.status_code == 201, made.content
    with tenant_context(sync.workspace.pk):
        imp = Import.objects.get()
    assert (imp.options["mode"], imp.options["blank"], imp.options["segments"]) == ("create_only", "clear", ["A"])
    assert imp.mapping[2]["target"] == "shoe"


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"mode": "delete"}, 422, "setting_invalid"),
    ({"colour": "red"}, 422, "setting_invalid"),
    ({"review": "maybe"}, 422, "setting_invalid"),
    ({"country": "Atlantis"}, 422, "setting_invalid"),
    ({"zone": "Mars/Olympus"}, 422, "setting_invalid"),
    ({"happened": "yesterday"}, 422, "setting_invalid"),
    ({"segment": ["x"] * 2 + [str(i) for i in range(30)]}, 422, "setting_invalid"),
    ({"map.nothing": "email"}, 422, "mapping_invalid"),
    ({"map.email": "nothing"}, 422, "mapping_invalid"),
    ({"map.email": "skip"}, 422, "mapping_invalid"),
    ({"saved": "Weekly"}, 422, "saved_mapping_unknown"),
    ({"encoding": "klingon"}, 422, "encoding_unknown"),
    ({"header_line": "10000000000000000000000"}, 422, "header_line"),
    ({"header_line": "x"}, 422, "header_line"),
    ({"separator": "ab"}, 422, "separator_unclear"),
    ({"settings": "{"}, 400, "json_invalid"),
    ({"settings": "[]"}, 422, "setting_invalid"),
    ({"settings": '{"mode": {}}'}, 422, "setting_invalid"),
    ({"settings": '{"description": "\\u0000"}'}, 400, "request_unreadable"),
    ({"settings": '{"description": "\\ud800"}'}, 400, "request_unreadable"),
    ({"description": "a\0b"}, 400, "request_unreadable"),
    ({"map.shoe": "new:integer:" + "x" * 500}, 422, "mapping_invalid"),
]


@pytest.mark.parametrize(("fields", "status", "code"), REFUSED, ids=lambda v: str(v)[:40])
def test_what_cannot_be_started_leaves_nothing(
    sync: Program, fields: dict[str, Any], status: int, code: str, settings: Any
) -> None:
    from pathlib import Path

    folder = Path(settings.UPLOAD_DIR) / str(sync.workspace.pk)
    assert problem(upload(sync, **fields)) == (status, code)
    with tenant_context(sync.workspace.pk):
        assert not Import.objects.exists()
    assert list(folder.glob("*")) == []


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "file_empty"), (b"%PDF-1.7 x", "file_type"), (b"email\n", "no_rows"), (b"a,a\n1,2\n", "header_duplicate")],
)
def test_a_file_that_cannot_be_read_is_refused(sync: Program, content: bytes, code: str) -> None:
    raw = sync.call("POST", "imports", data=content, CONTENT_TYPE="text/csv", content_type="text/csv")
    assert problem(raw) == (422, code)
    assert problem(upload(sync, content)) == (422, code)


def test_a_full_disk_takes_no_file(sync: Program, settings: Any) -> None:
    settings.LEAST_FREE_BYTES = 10**18
    assert problem(upload(sync)) == (422, "disk_full")


def test_bodies_of_other_kinds_are_refused(sync: Program) -> None:
    for kind in ("application/json", "image/png", "application/x-www-form-urlencoded", "multipart/mixed", ""):
        assert problem(sync.call("POST", "imports", data=b"x=1", content_type=kind)) == (415, "content_type_unknown")
    assert problem(sync.form("imports", {"mode": "create_only"})) == (422, "parameters_invalid")
    assert problem(sync.form("imports", {"file": "text alone"})) == (422, "parameters_invalid")
    broken = sync.call("POST", "imports", data=b"--x", content_type="multipart/form-data")
    assert problem(broken) == (400, "request_unreadable")


def test_a_file_above_the_limit_is_refused(alice: Actor, sync: Program) -> None:
    type(alice.workspace).objects.filter(pk=alice.workspace.pk).update(max_upload_bytes=10)
    refused = upload(sync)
    assert problem(refused) == (413, "too_large")
    assert refused.json()["limit"] == 10
    long = sync.call("POST", "imports", data=b"x" * 100_000, content_type="text/csv")
    assert problem(long) == (413, "too_large")


def test_reviving_needs_a_scope_of_its_own(alice: Actor) -> None:
    narrow = program(alice, "imports.run", "imports.view")
    refused = upload(narrow, deleted="restore")
    assert problem(refused) == (403, "setting_not_permitted")
    wide = program(alice, "imports.run", "imports.revive")
    assert upload(wide, deleted="restore", **{"map.shoe": "skip"}).status_code == 201
    with tenant_context(alice.workspace.pk):
        assert AuditEntry.objects.filter(verb="import.may_revive").count() == 1


def test_a_review_says_what_would_be_written(sync: Program) -> None:
    assert end(sync, upload(sync, **{"map.shoe": "skip"}).json()["id"]).status == "imported"
    changed = FILE.replace("Ann", "Anna")
    made = upload(sync, changed, review="true", segment="Spring", **{"map.shoe": "skip"}).json()
    assert problem(sync.get(f"imports/{made['id']}/review")) == (409, "conflict")
    end(sync, made["id"])
    review = sync.get(f"imports/{made['id']}/review").json()
    assert (review["status"], review["rows"]) == ("ready_for_review", 2)
    assert {name: review["counts"][name] for name in ("created", "updated", "in_error")} == {
        "created": 0, "updated": 1, "in_error": 1,
    }  # fmt: skip
    assert review["changes"] == [
        {"field": "first_name", "label": "First name", "contacts": 1, "line": 2, "before": "Ann", "after": "Anna"}
    ]
    assert review["segments"] == [{"name": "Spring", "new": True, "before": 0, "after": 1}]
    found = review["problems"][0]
    assert (found["code"], found["rows"], found["severity"]) == ("not_an_email", 1, "error")
    assert found["examples"][0]["line"] == 3
    assert (found["examples"][0]["column"], found["examples"][0]["value"]) == ("email", "not-an-address")
    assert review["mapping"][0] == {"column": "email", "target": "email", "label": "E-mail"}
    started = sync.post(f"imports/{made['id']}/start")
    assert (started.status_code, started.json()["status"]) == (200, "importing")
    assert problem(sync.post(f"imports/{made['id']}/start")) == (409, "conflict")
    assert end(sync, made["id"]).updated == 1


def test_the_same_file_again_is_a_warning(sync: Program) -> None:
    first = upload(sync, **{"map.shoe": "skip"}).json()["id"]
    end(sync, first)
    second = upload(sync, review="yes", **{"map.shoe": "skip"}).json()["id"]
    end(sync, second)
    warnings = sync.get(f"imports/{second}/review").json()["warnings"]
    assert warnings == [{"code": "same_file", "sentence": f"Import {first} has already imported this file."}]


def test_without_the_scope_for_rows_no_value_is_shown(alice: Actor, sync: Program) -> None:
    made = upload(sync, review="1", **{"map.shoe": "skip"}).json()
    end(sync, made["id"])
    narrow = program(alice, "imports.view", name="Monitor")
    text = narrow.get(f"imports/{made['id']}/review").content.decode()
    assert "not-an-address" not in text
    assert "Ann" not in text
    assert problem(narrow.get(f"imports/{made['id']}/errors")) == (403, "scope_missing")


def test_cancel_undo_and_redo(sync: Program) -> None:
    made = upload(sync, review="true", **{"map.shoe": "skip"}).json()["id"]
    end(sync, made)
    canceled = sync.post(f"imports/{made}/cancel", {"undo": True})
    assert canceled.status_code == 200, canceled.content
    assert end(sync, made).status == "canceled"
    assert problem(sync.post(f"imports/{made}/cancel")) == (409, "conflict")
    done = upload(sync, **{"map.shoe": "skip"}).json()["id"]
    end(sync, done)
    assert problem(sync.post(f"imports/{done}/redo")) == (409, "conflict")
    assert sync.post(f"imports/{done}/undo").json()["status"] == "undoing"
    assert end(sync, done).status == "undone"
    with tenant_context(sync.workspace.pk):
        assert Contact.objects.living().count() == 0
    assert problem(sync.post(f"imports/{done}/undo")) == (409, "conflict")
    assert sync.post(f"imports/{done}/redo").status_code == 200
    assert end(sync, done).status == "imported"
    with tenant_context(sync.workspace.pk):
        verbs = set(AuditEntry.objects.values_list("verb", flat=True))
    assert {"import.canceled", "import.undo", "import.redo"} <= verbs


def test_canceling_needs_no_body_and_refuses_others(sync: Program) -> None:
    made = upload(sync, **{"map.shoe": "skip"}).json()["id"]
    assert problem(sync.post(f"imports/{made}/cancel", {"undo": True, "x": 1})) == (422, "parameters_invalid")
    assert problem(sync.post(f"imports/{made}/cancel", [1])) == (422, "parameters_invalid")
    assert sync.call("POST", f"imports/{made}/cancel").status_code == 200


def test_undoing_by_a_cancel_needs_the_scope(alice: Actor, sync: Program) -> None:
    made = upload(sync, **{"map.shoe": "skip"}).json()["id"]
    narrow = program(alice, "imports.cancel", "imports.view")
    assert problem(narrow.post(f"imports/{made}/cancel", {"undo": True})) == (403, "scope_missing")
    with tenant_context(alice.workspace.pk):
        assert not Import.objects.get().cancel_requested


def test_waiting_says_not_yet_until_it_rests(sync: Program) -> None:
    made = upload(sync, review="true", **{"map.shoe": "skip"}).json()["id"]
    waits = sync.get(f"imports/{made}", wait=30)
    assert (waits.status_code, waits.headers[NOT_YET]) == (200, "30")
    assert NOT_YET not in sync.get(f"imports/{made}").headers
    end(sync, made)
    assert NOT_YET not in sync.get(f"imports/{made}", wait=30).headers
    for wait in ("61", "-1", "x", "9" * 30):
        assert problem(sync.get(f"imports/{made}", wait=wait)) == (422, "parameters_invalid")


def test_asking_again_does_not_count(sync: Program) -> None:
    """A client that waits has sent one request, however often the front asks for it."""
    first = sync.get("workspace").headers["RateLimit-Remaining"]
    meta: Any = {AGAIN: True}
    asked = sync.call("GET", "workspace", **meta)
    assert "RateLimit-Remaining" not in asked.headers
    assert int(sync.get("workspace").headers["RateLimit-Remaining"]) == int(first) - 1


def test_lists_are_paged_and_filtered(sync: Program) -> None:
    ids = [upload(sync, **{"map.shoe": "skip"}).json()["id"] for _ in range(5)]
    end(sync, ids[0])
    found: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = sync.get("imports", limit=2, cursor=cursor).json()
        found += [imp["id"] for imp in page["results"]]
        cursor = page["next"]
    assert found == ids[::-1]
    assert [imp["id"] for imp in sync.get("imports", status="imported").json()["results"]] == [ids[0]]
    assert len(sync.get("imports", origin="api").json()["results"]) == 5
    assert sync.get("imports", origin="browser").json() == {"results": [], "next": None}
    assert problem(sync.get("imports", status="nope")) == (422, "parameters_invalid")


def test_a_saved_mapping_is_used_by_its_name(sync: Program) -> None:
    from imports.wizard import saved_mappings

    made = upload(sync, review="1", **{"map.shoe": "new:integer:shoe", "mode": "update_only"}).json()["id"]
    with tenant_context(sync.workspace.pk):
        imp = Import.objects.get(pk=made)
        SavedMapping.objects.create(
            name="Weekly", header_digest=saved_mappings.digest(imp.header), columns=imp.mapping, options=imp.options
        )
    listed = sync.get("saved-mappings").json()["results"]
    assert (listed[0]["name"], listed[0]["targets"]) == ("Weekly", ["email", "first_name", "shoe"])
    by_name = upload(sync, saved="Weekly").json()["id"]
    with tenant_context(sync.workspace.pk):
        imp = Import.objects.get(pk=by_name)
    assert (imp.options["mode"], imp.mapping[2]["target"], imp.phase) == ("update_only", "shoe", Phase.PLAN)


def test_foreign_imports_are_not_found(sync: Program, charlie: Actor) -> None:
    other = program(charlie)
    made = upload(other, **{"map.shoe": "skip"}).json()["id"]
    nothing = sync.get("imports/999999999")
    for path in (f"imports/{made}", f"imports/{made}/review", f"imports/{made}/errors", f"imports/{made}/errors.csv"):
        found = sync.get(path)
        assert (found.status_code, found.content) == (404, nothing.content)
    for verb in ("start", "cancel", "undo", "redo", "retry"):
        found = sync.post(f"imports/{made}/{verb}")
        assert (found.status_code, found.content) == (404, nothing.content)
    assert again(charlie.workspace, Import(pk=made)).phase == Phase.PLAN


def test_columns_template_and_problems(sync: Program) -> None:
    names = {column["name"] for column in sync.get("imports/columns").json()["results"]}
    assert {"email", "phone", "external_id", "first_name"} <= names
    template = sync.get("imports/template.csv")
    assert template.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert b"email" in template.content
    made = sync.call("POST", "imports", data=template.content, content_type="text/csv")
    assert made.status_code == 201, made.content
    assert end(sync, made.json()["id"]).created == 2
    codes = {found["code"]: found for found in sync.get("problems").json()["results"]}
    assert codes["rate_limited"]["of"] == "api"
    assert codes["not_an_email"]["of"] == "import"
