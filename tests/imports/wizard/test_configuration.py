"""Settings by name, as command, API and connectors give them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from imports.files.reader import FileProblem
from imports.models import Import, Phase
from imports.options import BadOption
from imports.wizard import column_choices, configuration, saved_mappings
from tenants.isolation.context import tenant_context
from tenants.models import Tenant

FILE = b"email,first name,shoe\na@x.example,Ann,40\n"


def create(tenant: Tenant, wanted: dict[str, Any], content: bytes = FILE, **more: Any) -> Import:
    about: dict[str, Any] = {"file_name": "f.csv", "tenant": tenant, "user": None, "origin": "api", "review": True}
    with tenant_context(tenant.pk):
        return configuration.create([content], **about | more, wanted=wanted)


def stored_files(tenant: Tenant) -> list[Path]:
    return sorted((Path(settings.UPLOAD_DIR) / str(tenant.pk)).glob("*"))


def test_pairs_become_settings_by_name() -> None:
    pairs = ["mode=update_only", "segment=A", "segment=B = C", "map.First name=first_name", "description="]
    wanted = {"mode": "update_only", "segment": ["A", "B = C"], "map.First name": "first_name", "description": ""}
    assert configuration.read_pairs(pairs) == wanted


@pytest.mark.parametrize("pair", ["mode", "colour=red", "=x", "maps.email=email"])
def test_a_name_that_does_not_exist_is_refused(pair: str) -> None:
    with pytest.raises(BadOption, match=f"{pair}: the name must be one of encoding, separator"):
        configuration.read_pairs([pair])


@pytest.mark.parametrize(("review", "started"), [(True, False), (False, True)])
def test_an_import_is_made_and_handed_on(tenant: Tenant, review: bool, started: bool) -> None:
    wanted = {"map.shoe": "new:integer:shoe:Shoe", "blank": "clear", "segment": ["Runners"], "description": "Sent"}
    made = create(tenant, wanted, review=review)
    with tenant_context(tenant.pk):
        imp = Import.objects.get(pk=made.pk)
    assert (imp.phase, imp.started, imp.origin, imp.description) == (Phase.PLAN, started, "api", "Sent")
    assert [c["target"] for c in imp.mapping] == ["email", "first_name", "shoe"]
    assert (imp.options["blank"], imp.options["segments"]) == ("clear", ["Runners"])


def refused() -> Iterator[Any]:
    """(settings, content, class, code, words)"""
    yield {"mode": "delete"}, FILE, BadOption, "setting_invalid", "mode=delete is not allowed"
    yield {"deleted": "restore"}, FILE, configuration.NotPermitted, "setting_not_permitted", "deleted=restore needs"
    yield {"sheet": "Two"}, FILE, BadOption, "setting_invalid", "has no sheet Two"
    yield {"merged": "all"}, FILE, BadOption, "setting_invalid", "merged=all is not allowed. Choose one of: first, fill"
    yield {"map.nope": "email"}, FILE, column_choices.BadMapping, "mapping_invalid", "The file has no column nope"
    yield {"saved": "Weekly"}, FILE, saved_mappings.NoSuchMapping, "saved_mapping_unknown", "no saved mapping Weekly"
    yield {}, b"", FileProblem, "file_empty", "no content"
    dates = b"email,born\na@x.example,01/02/2003\n"
    wanted = {"map.born": "birthday"}
    yield wanted, dates, column_choices.Ambiguous, "format_ambiguous", "Set format.born to "


@pytest.mark.parametrize(("wanted", "content", "kind", "code", "words"), list(refused()))
def test_a_refusal_has_a_code_and_leaves_no_file(
    tenant: Tenant, wanted: dict[str, Any], content: bytes, kind: type[Exception], code: str, words: str
) -> None:
    before = stored_files(tenant)
    with pytest.raises(kind) as caught:
        create(tenant, wanted, content, may_revive=False)
    found, sentence = configuration.refusal(caught.value)
    assert found == code
    assert words in sentence
    assert stored_files(tenant) == before
    with tenant_context(tenant.pk):
        assert not Import.objects.exists()
