"""An encoding that somebody chooses by hand, right or wrong: the preview, or words; never a fault."""

from typing import Any

import pytest

from imports.files.encodings import CHOICES, FileProblem
from imports.models import Import
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.imports.helpers import receive

TEXT = "email,first_name\nann@example.com,José\n"
FILES = {
    "ASCII, even": b"email,first_name\nann@example.com,Ann\n",
    "ASCII, odd": b"email,first_name\nann@example.com,Anna\n",
    "UTF-8": TEXT.encode(),
    "Windows-1252": TEXT.encode("cp1252"),
    "UTF-16 with a mark": TEXT.encode("utf-16"),
    "UTF-16 with a mark, cut": TEXT.encode("utf-16")[:-1],
    "Shift JIS": "email,first_name\na@example.com,山田\n".encode("shift_jis"),
    "large, even": b"email,first_name\n" + b"ann@example.com,Ann\n" * 60_000,
    "large, odd": b"email,first_name\n" + b"ann@example.com,Ann\n" * 60_000 + b"x@example.com,Bo\n",
}
WITH_ALL = ("ASCII, odd", "Windows-1252")
NONE = [
    "UTF-16",
    "utf-16",
    "utf-32",
    "rot13",
    "base64",
    "idna",
    "punycode",
    "undefined",
    "unicode_escape",
    "x" * 500,
    "",
    "²",
]


@pytest.mark.parametrize("name", FILES)
def test_any_encoding_for_any_file(alice: Actor, name: str) -> None:
    alice.client.raise_request_exception = False
    try:
        imp = receive(alice.workspace, FILES[name], user=alice.user)
    except FileProblem:
        return  # said at the upload already
    wide = [key for key in CHOICES if "16" in key or "32" in key]
    for chosen in [*CHOICES, *NONE] if name in WITH_ALL else [*wide, "utf-8", "UTF-16"]:
        given: dict[str, Any] = {"encoding": chosen, "separator": ",", "quote": '"', "header": "yes"}
        answer = alice.post(f"imports/{imp.pk}/read-again/", given)
        assert answer.status_code in (200, 302, 422), (chosen, answer.status_code)
    assert alice.get(f"imports/{imp.pk}/").status_code == 200
    with tenant_context(alice.workspace.pk):
        assert Import.objects.get(pk=imp.pk).phase == "draft"
