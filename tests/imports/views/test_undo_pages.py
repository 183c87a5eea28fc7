"""The pages that ask for an undo or redo, and those that show one under way, say which of the two it is."""

import pytest

from imports.models import Import, UndoDirection
from tests.cast import Actor
from tests.imports.helpers import again, bring, flat, work


def page(actor: Actor, imp: Import, path: str = "", **headers: str) -> str:
    answer = actor.get(f"imports/{imp.pk}/{path}", headers=headers)
    assert answer.status_code == 200
    return flat(answer.content.decode())


def asked(alice: Actor, imp: Import, direction: UndoDirection) -> None:
    """Ask for it, see it wait, and let it be done."""
    assert alice.post(f"imports/{imp.pk}/{direction}/").status_code == 302
    doing = "Undoing" if direction == UndoDirection.UNDO else "Redoing"
    for shown in (page(alice, imp), page(alice, imp, "live/")):
        assert f"{doing} {imp.file_name}" in shown
    cards = alice.get("imports/").content.decode()
    assert (f"watch-{imp.pk}" in cards, f"cancel-{imp.pk}" in cards) == (True, False), "it runs, and cannot be canceled"
    work(alice.workspace, again(alice.workspace, imp))


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_the_pages_say_undo_or_redo(alice: Actor, headers: dict[str, str]) -> None:
    imp = bring(alice.workspace, "email\na@example.com\n", user=alice.user)
    shown = page(alice, imp, "undo/ask/", **headers)
    assert ("Undo import" in shown, "Redo import" in shown) == (True, False)
    assert "Contacts that it created are removed" in shown
    asked(alice, imp, UndoDirection.UNDO)
    shown = page(alice, imp, "redo/ask/", **headers)
    assert ("Undo import" in shown, "Redo import" in shown) == (False, True)
    assert "Undone rows are written again" in shown
    asked(alice, imp, UndoDirection.REDO)
