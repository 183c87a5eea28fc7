"""Kinds of destinations: one folder each, and a further one is one folder more."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import destinations
from destinations import kinds
from destinations.normal_forms import Person

FOUR = ("file", "google", "meta", "webhook")


def test_there_are_four() -> None:
    assert kinds.names() == FOUR
    assert [label for _kind, label in kinds.choices()] == ["CSV file", "Google Ads", "Meta", "Webhook"]


@pytest.mark.parametrize("name", FOUR)
def test_each_has_what_the_others_have(name: str) -> None:
    kind, form = kinds.of(name), kinds.form(name)
    assert kind.keys
    assert callable(kinds.connector(name))
    assert len({field.key for field in form.ACCOUNT}) == len(form.ACCOUNT)
    assert all(not field.secret for field in form.TARGET)
    found = kinds.normalizer(name)(Person(7, email="ann@example.com", phone="+491701234567"))
    assert {one.kind for one in found} & kind.keys


@pytest.fixture
def fifth(tmp_path: Path) -> Iterator[str]:
    """A folder that somebody adds."""
    room = tmp_path / "pigeon"
    room.mkdir()
    (room / "__init__.py").write_text("")
    (room / "kind.py").write_text(
        "from destinations.kinds import Kind, Limits\n"
        "KIND = Kind('Carrier pigeon', Limits(members=1), frozenset({'email'}), advertises=True)\n"
    )
    (room / "normalize.py").write_text("def identifiers(person): return []\n")
    (room / "client.py").write_text("def connect(account, secret, target): ...\n")
    (room / "form.py").write_text("ACCOUNT = TARGET = ()\n")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "__init__.py").write_text("")
    destinations.__path__.append(str(tmp_path))
    kinds.names.cache_clear()
    yield "pigeon"
    destinations.__path__.remove(str(tmp_path))
    kinds.names.cache_clear()
    for name in [name for name in sys.modules if name.startswith("destinations.pigeon")]:
        del sys.modules[name]


def test_a_fifth_one_is_one_folder(fifth: str) -> None:
    assert kinds.names() == ("file", "google", "meta", "pigeon", "webhook")
    assert (fifth, "Carrier pigeon") in kinds.choices()
    assert kinds.normalizer(fifth)(Person(1)) == []


def test_what_is_no_kind_is_none() -> None:
    for name in ("migrations", "half", "../google", ""):
        with pytest.raises(KeyError):
            kinds.of(name)
