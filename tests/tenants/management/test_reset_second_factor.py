"""A lost second factor is taken away by those who run the platform."""

import json
from io import StringIO

import pytest
from django.core import mail
from django.core.cache import cache
from django.core.management import CommandError, call_command

from tenants import second_factor
from tests.cast import person
from tests.tenants.factors import set_up, sign_in


def test_it_removes_all_of_it_and_signs_out_everywhere() -> None:
    cache.clear()
    ann = person("Ann")
    client = sign_in(ann)
    set_up(client)
    out = StringIO()
    call_command("reset_second_factor", ann.email.upper(), stdout=out)
    assert json.loads(out.getvalue()) == {"email": ann.email, "removed": 2, "sessions": 1}
    assert not second_factor.exists(ann.pk)
    assert client.get("/account/").status_code == 302
    assert mail.outbox[-1].to == [ann.email]
    assert sign_in(ann).get("/account/").status_code == 200


def test_an_account_that_is_not_there() -> None:
    with pytest.raises(CommandError, match=r"There is no account nobody@example\.com"):
        call_command("reset_second_factor", "nobody@example.com")
