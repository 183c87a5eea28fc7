"""Stored secrets can be read by their purpose and key alone, and not changed."""

from typing import Any

import pytest

from core import encryption
from core.encryption import Unreadable


@pytest.mark.parametrize("text", ["", "secret", "Passwört\n" * 500, "\U0001f511"])
def test_a_text_comes_back(text: str) -> None:
    stored = encryption.encrypt(text, purpose="a")
    assert encryption.decrypt(stored, purpose="a") == text
    assert not text or text not in stored
    assert stored != encryption.encrypt(text, purpose="a")


def test_another_purpose_cannot_read_it() -> None:
    with pytest.raises(Unreadable, match="Enter it again"):
        encryption.decrypt(encryption.encrypt("secret", purpose="a"), purpose="b")


def test_another_key_cannot_read_it(settings: Any) -> None:
    stored = encryption.encrypt("secret", purpose="a")
    settings.SECRET_KEY = "another"
    with pytest.raises(Unreadable):
        encryption.decrypt(stored, purpose="a")


CHANGES = [lambda s: s[:-6] + "AAAA==", lambda s: s[2:], lambda s: "", lambda s: "1:", lambda s: "1:%"]


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_is_refused(change: Any) -> None:
    with pytest.raises(Unreadable):
        encryption.decrypt(change(encryption.encrypt("secret", purpose="a")), purpose="a")
