"""Pages by key together are the whole order: nothing twice, nothing left out, whatever is equal."""

from datetime import timedelta

import pytest
from django.db.models import Q
from django.utils import timezone

from contacts.models import Contact
from core import keyset
from tenants.models import Tenant


@pytest.mark.parametrize("down", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("column", ["created_at", None])
@pytest.mark.usefixtures("inside")
def test_pages_are_the_whole_order(down: bool, size: int, column: str | None) -> None:
    now = timezone.now()
    for days in (0, 0, 0, 1, 1, 2):
        Contact.objects.create(created_at=now - timedelta(days=days), origin="manual")
    sign = "-" if down else ""
    order = [f"{sign}{name}" for name in (column, "pk") if name]
    whole = list(Contact.objects.order_by(*order))
    met: list[Contact] = []
    while page := list(
        Contact.objects.filter(
            keyset.beyond(column, getattr(met[-1], column) if column else None, met[-1].pk, down=down) if met else Q()
        ).order_by(*order)[:size]
    ):
        met += page
    assert met == whole


def test_without_a_number_all_of_the_same_value_are_behind(inside: Tenant) -> None:
    now = timezone.now()
    for _ in range(2):
        Contact.objects.create(created_at=now, origin="manual")
    assert Contact.objects.filter(keyset.beyond("created_at", now, None)).count() == 2
