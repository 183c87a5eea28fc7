"""Who is selected travels in the body of a form: no address of the product has a list of IDs, or a mark of a form."""

import re
from pathlib import Path

import pytest

from contacts.models import BulkAction, Contact
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.imports.helpers import bring

TEMPLATES = sorted((Path(__file__).parents[3] / "templates").rglob("*.html"))
FORM = re.compile(r"<form\b[^>]*>.*?</form>", re.DOTALL)
TO = [
    "contacts/bulk/export/", "contacts/bulk/unsubscribe/", "contacts/bulk/delete/", "contacts/bulk/restore/",
    "contacts/bulk/erase/", "segments/add/", "contacts/merge/",
]  # fmt: skip


@pytest.fixture
def ids(alice: Actor) -> list[int]:
    bring(alice.workspace, "email,city\nann@example.com,Riga\nann2@example.com,Oslo\nbob@example.com,Oslo\n")
    with tenant_context(alice.workspace.pk):
        return list(Contact.objects.order_by("pk").values_list("pk", flat=True)[:2])


@pytest.mark.parametrize("path", TO)
def test_a_selection_by_post_is_looked_at_first(alice: Actor, ids: list[int], path: str) -> None:
    answer = alice.post(path, {"id": ids, "preview": "1", "all": ""})
    assert answer.status_code == 200
    for pk in ids:
        assert f'name="id" value="{pk}"' in answer.content.decode()
    with tenant_context(alice.workspace.pk):
        assert not BulkAction.objects.exists()
        assert Contact.objects.living().count() == 3


def test_the_list_sends_its_selection_by_post(alice: Actor, ids: list[int]) -> None:
    page = alice.get("contacts/").content.decode()
    bar = next(form for form in FORM.findall(page) if 'id="selection"' in form)
    assert 'method="post"' in bar
    assert "csrfmiddlewaretoken" in bar
    assert 'name="preview" value="1"' in bar


def test_another_rule_is_taken_without_an_address(alice: Actor, ids: list[int]) -> None:
    answer = alice.post("contacts/merge/", {"id": ids, "rule": "newest", "take": "fullest"})
    assert answer.status_code == 200
    assert len(answer.context["compared"]) == 2
    assert "?id=" not in answer.content.decode()
    with tenant_context(alice.workspace.pk):
        assert Contact.objects.living().count() == 3
    assert alice.post("contacts/merge/", {"id": ids}).status_code == 302
    with tenant_context(alice.workspace.pk):
        assert Contact.objects.living().count() == 2


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_form_by_get_has_ids_or_tokens(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"[?&](?:amp;)?(?:ids?|token|once)=", text)
    for form in FORM.findall(text):
        if re.match(r"<form[^>]*method=\"get\"", form):
            assert not re.search(r"name=\"(?:ids?|token|once|csrfmiddlewaretoken)\"", form), form[:200]
