"""The registry of what other apps bring to contacts: complete as it is; each way to break it is told at the start."""

from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from contacts import extensions

BROKEN: list[tuple[str, Any, str]] = [
    ("rules", "segments.no_such_module", "no_such_module"),
    ("rules", "segments.models", "segments.models has no compiled."),
    ("timeline", {"import": "imports.results.summary"}, "has no LABEL, latest, count."),
    ("problem_sentence", "imports.problems.catalogue.no_such_function", "no_such_function"),
    ("export_columns", {"Segments": "segments.membership"}, "segments.membership cannot be called."),
    ("bulk_actions", {"delete": "contacts.bulk.kinds.NoSuchClass"}, "NoSuchClass"),
    ("contact_data", {"contacts": "contacts.privacy.erasure"}, "has no TABLES, held, move, restore, known, erase."),
]


def test_every_point_is_filled_and_has_what_it_asks_for() -> None:
    assert set(settings.EXTENSIONS) == set(extensions.POINTS)
    assert extensions.check() == []


@pytest.mark.parametrize(("point", "named", "told"), BROKEN)
def test_a_wrong_name_is_told_at_the_start(point: str, named: Any, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.EXTENSIONS, point, named)
    [problem] = extensions.check()
    assert told in problem.msg
    with pytest.raises(ImproperlyConfigured, match=r"EXTENSIONS\["):
        extensions.refuse_broken()


def test_a_point_that_nobody_fills_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(settings.EXTENSIONS, "overview")
    assert [problem.id for problem in extensions.check()] == ["contacts.E001"]
