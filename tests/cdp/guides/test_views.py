"""Help in a workspace: for every member, for nobody else."""

import pytest
from django.test import Client

from tests.cast import actor

pytestmark = pytest.mark.django_db


def test_a_member_reads_and_searches() -> None:
    owner = actor("Alice")
    viewer = actor("Bob", owner.workspace, "viewer")
    page = viewer.get("help/").content.decode()
    assert "Guide for marketers" in page
    assert f'href="{viewer.url("help/")}"' in page  # the sign at the top
    found = viewer.get("help/?q=blacklist").content.decode()
    assert viewer.url("help/admin/#consent-and-the-blacklist") in found
    assert "Nothing about “qwertz”" in viewer.get("help/?q=qwertz").content.decode()
    assert "&lt;b&gt;" in viewer.get("help/?q=<b>").content.decode()
    assert "Take backups" in viewer.get("help/operator/").content.decode()
    assert viewer.get("help/somebody/").status_code == 404


def test_others_see_nothing() -> None:
    owner, stranger = actor("Alice"), actor("Charlie")
    assert stranger.client.get(owner.url("help/marketer/")).status_code == 404
    assert b"Guide for" not in Client().get(owner.url("help/marketer/")).content
