"""Uploads: limits before work, refusals in words, nothing left behind, one import a file."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from imports.models import Import
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import bring

GOOD = b"email,city\nann@example.com,Riga\n"


def file(content: bytes = GOOD, name: str = "people.csv") -> dict[str, Any]:
    return {"file": SimpleUploadedFile(name, content)}


def imports(actor: Actor) -> list[Import]:
    with tenant_context(actor.workspace.pk):
        return list(Import.objects.order_by("pk"))


def stored(actor: Actor) -> int:
    return len(list((Path(settings.UPLOAD_DIR) / str(actor.workspace.pk)).glob("*")))


def test_a_file_becomes_an_import_with_an_address(alice: Actor) -> None:
    response = alice.post("imports/upload/", file())
    (imp,) = imports(alice)
    assert (response.status_code, response.headers["Location"]) == (302, alice.url(f"imports/{imp.pk}/"))
    assert (imp.file_name, imp.size, imp.header) == ("people.csv", len(GOOD), ["email", "city"])
    assert [c["target"] for c in imp.mapping] == ["email", "city"]


def test_a_script_is_answered_in_json(alice: Actor) -> None:
    response = alice.post("imports/upload/", file(), headers={"Accept": "application/json"})
    assert response.status_code == 201
    assert response.json() == {"location": alice.url(f"imports/{imports(alice)[0].pk}/")}


def test_text_can_be_pasted(alice: Actor) -> None:
    alice.post("imports/upload/", {"text": "email\nann@example.com\n"})
    assert imports(alice)[0].file_name == "pasted.csv"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "The file has no content"),
        (b"%PDF-1.7 something", "PDF"),
        (b"PK\x03\x04rest of a zip", "cannot be opened"),
        (b"<!doctype html><p>hello", "HTML"),
        (
            ",".join(f"c{i}" for i in range(121)).encode() + b"\n1\n",
            "has 121 columns. The limit of this workspace is 100",
        ),
    ],
)
def test_what_is_not_a_table_is_refused_in_words(alice: Actor, content: bytes, says: str) -> None:
    response = alice.post("imports/upload/", file(content))
    assert response.status_code == 422
    assert says in response.content.decode()
    assert imports(alice) == []
    assert stored(alice) == 0


def test_a_full_disk_takes_no_file(alice: Actor, settings: Any) -> None:
    settings.LEAST_FREE_BYTES = 10**18
    response = alice.post("imports/upload/", file())
    assert response.status_code == 422
    assert "The server has no room for another file." in response.content.decode()
    assert (imports(alice), stored(alice)) == ([], 0)
    settings.LEAST_FREE_BYTES = 0
    assert alice.post("imports/upload/", file()).status_code == 302


def test_the_limit_names_itself_and_the_size_found(alice: Actor) -> None:
    Tenant.objects.filter(pk=alice.workspace.pk).update(max_upload_bytes=1_000)
    response = alice.post("imports/upload/", file(b"email\n" + b"a@example.com\n" * 100))
    assert response.status_code == 422
    assert "1,406 bytes" in response.content.decode()
    assert "1,000" in response.content.decode()
    assert stored(alice) == 0


def test_a_body_over_the_limit_is_not_read_at_all(alice: Actor) -> None:
    """Judged by its length: no temporary file, no check of the token, which would store the whole body first."""
    Tenant.objects.filter(pk=alice.workspace.pk).update(max_upload_bytes=1_000)
    response = alice.client.generic(
        "POST", alice.url("imports/upload/"), b"x" * 100, content_type="multipart/form-data; boundary=x",
        headers={"Content-Length": "900000"},
    )  # fmt: skip
    assert response.status_code == 422
    assert "900,000 bytes" in response.content.decode()
    assert imports(alice) == []


def test_other_addresses_take_no_large_bodies(alice: Actor) -> None:
    response = alice.client.generic(
        "POST", alice.url("sites/add/"), b"x", content_type="text/plain", headers={"Content-Length": "900000000"}
    )
    assert response.status_code == 413


def test_without_a_token_nothing_is_taken(alice: Actor) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice.user)
    assert strict.post(alice.url("imports/upload/"), file()).status_code == 403
    assert imports(alice) == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\lists\\a.csv", "a.csv"),
        ("x" * 400 + ".csv", None),
        ("\r\n", "pasted.csv"),
    ],
)
def test_names_are_shown_clean_and_stored_as_ours(name: str, shown: str | None) -> None:
    from imports.wizard.upload import clean_name

    assert len(clean_name(name)) <= 255
    assert shown is None or clean_name(name) == shown


def test_an_import_starts_once(alice: Actor) -> None:
    alice.post("imports/upload/", file())
    imp = imports(alice)[0]
    data = {"mode": "create_and_update", "existing": "overwrite", "blank": "keep", "duplicates": "last",
            "bad_value": "error", "column-0": "email", "column-1": "city"}  # fmt: skip
    for _ in range(2):
        assert alice.post(f"imports/{imp.pk}/start/", data).status_code == 302
    assert imports(alice)[0].phase == "plan"


def test_a_mapping_that_cannot_start_says_why(alice: Actor) -> None:
    alice.post("imports/upload/", file())
    imp = imports(alice)[0]
    data = {
        "mode": "create_and_update",
        "existing": "overwrite",
        "blank": "keep",
        "duplicates": "last",
        "bad_value": "error",
    }
    nobody = alice.post(f"imports/{imp.pk}/start/", data | {"column-0": "skip", "column-1": "city"})
    assert nobody.status_code == 422
    assert "No column is mapped to E-mail, Phone or External ID" in nobody.content.decode()
    twice = alice.post(f"imports/{imp.pk}/start/", data | {"column-0": "email", "column-1": "email"})
    assert twice.status_code == 422
    assert "Two columns are mapped to" in twice.content.decode()
    assert imports(alice)[0].phase == "draft"


def test_the_review_shows_values_as_people_write_them(alice: Actor) -> None:
    maps = {"vip": "new:boolean:vip", "tags": "new:choices:tags"}
    bring(alice.workspace, "email,vip,tags\nann@example.com,no,a\n", maps=maps)
    imp = bring(
        alice.workspace, "email,vip,tags\nann@example.com,yes,a|b\n", maps={"vip": "vip", "tags": "tags"}, review=True
    )
    page = alice.get(f"imports/{imp.pk}/")
    shown = {c["key"]: (c["before"], c["after"]) for c in page.context["changes"]}
    assert shown == {"vip": ("no", "yes"), "tags": ("a", "a, b")}
