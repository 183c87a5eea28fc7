"""What the pages of an import show to whom."""

from collections.abc import Callable

import pytest

from tests.cast import Actor
from tests.imports.helpers import bring, flat, receive

SECRET = "anna.secret@example.com"
FILE = f"email,city\n{SECRET},Rivendell\nnot-an-address,Gondor\n"


@pytest.mark.parametrize("role", ["marketer", "viewer", "ops"])
def test_ops_see_figures_and_no_cells(alice: Actor, member: Callable[[str], Actor], role: str) -> None:
    draft = receive(alice.workspace, FILE)
    done = bring(alice.workspace, FILE)
    review = bring(alice.workspace, FILE.replace("Rivendell", "Bree"), review=True)
    looker = member(role)
    pages = {imp: looker.get(f"imports/{imp.pk}/").content.decode() for imp in (draft, done, review)}
    cells = (SECRET, "Rivendell", "Gondor", "not-an-address", "Bree")
    seen = [cell for page in pages.values() for cell in cells if cell in page]
    assert bool(seen) == (role != "ops")
    assert "1 row imported, 1 in error" in flat(pages[done])
    assert ("Check all rows" in pages[draft]) == (role == "marketer")
    assert ("Import 1 row <" in flat(pages[review])) == (role == "marketer")


def test_a_canceled_review_is_being_canceled_until_a_worker_has_done_it(alice: Actor) -> None:
    imp = bring(alice.workspace, FILE, review=True)
    assert "Nothing has been written" in alice.get(f"imports/{imp.pk}/cancel/ask/").content.decode()
    alice.post(f"imports/{imp.pk}/cancel/")
    assert "Canceling" in alice.get(f"imports/{imp.pk}/").content.decode()
    assert alice.get(f"imports/{imp.pk}/live/").status_code == 200


def test_addresses_that_make_no_sense_show_the_page_all_the_same(alice: Actor) -> None:
    imp = bring(alice.workspace, FILE)
    assert alice.get("imports/?show=nonsense&before=x&q=a").status_code == 200
    assert alice.get(f"imports/{imp.pk}/?code=nonsense&after=x").status_code == 200
    assert alice.get(f"imports/{imp.pk}/cancel/ask/").status_code == 302


def test_a_mapping_that_cannot_be_leaves_no_field_behind(alice: Actor) -> None:
    imp = receive(alice.workspace, "email,shoe,other\na@example.com,38,b@example.com\n")
    settings = {"mode": "create_and_update", "existing": "overwrite", "blank": "keep", "duplicates": "last"}
    chosen = {"column-0": "email", "column-1": "new", "type-1": "integer", "key-1": "shoe_size", "column-2": "email"}
    answer = alice.post(f"imports/{imp.pk}/start/", {**settings, "bad_value": "error", **chosen})
    assert answer.status_code == 422
    assert "Two columns are mapped to" in answer.content.decode()
    # The choice stands in the form again; the field itself is not made.
    assert "Custom fields" not in answer.content.decode()
