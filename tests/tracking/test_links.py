"""Tracked links: made for a contact, read again, and believed only when this workspace has made them and lately."""

from datetime import timedelta
from unittest.mock import patch

import pytest

from tenants.isolation.context import tenant_context
from tracking import links
from tracking.pixel.hits import clean_url


def test_a_link_says_whose_it_is() -> None:
    assert links.read(links.token(17, tenant_id=3), tenant_id=3) == 17


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "18" + text[2:],
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: text.replace(".", ".1", 1),
        lambda _text: "",
        lambda _text: "17",
    ],
)
def test_a_changed_link_is_forged(change: object) -> None:
    with pytest.raises(links.BadLink, match="link_forged"):
        links.read(change(links.token(17, tenant_id=3)), tenant_id=3)  # type: ignore[operator]


def test_a_link_of_another_workspace_is_forged() -> None:
    with pytest.raises(links.BadLink, match="link_forged"):
        links.read(links.token(17, tenant_id=4), tenant_id=3)


def test_a_link_expires() -> None:
    text = links.token(17, tenant_id=3)
    import time

    later = time.time() + timedelta(days=links.DAYS, seconds=60).total_seconds()
    with patch("django.core.signing.time.time", return_value=later), pytest.raises(links.BadLink, match="link_expired"):
        links.read(text, tenant_id=3)


def test_an_address_is_tagged_and_keeps_what_it_has() -> None:
    tagged = links.tag("https://shop.example/sale?color=red&cid=old#top", 17, tenant_id=3)
    assert tagged.startswith("https://shop.example/sale?color=red&cid=17.")
    assert tagged.endswith("#top")
    found = links.found_in(tagged)
    assert found is not None
    assert links.read(found, tenant_id=3) == 17


@pytest.mark.parametrize("url", ["", "shop.example", "javascript:alert(1)", "https://", "http://[", "ftp://a.example/"])
def test_what_is_no_address_of_the_web_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="Enter a full address"):
        links.tag(url, 17, tenant_id=3)


def test_stored_addresses_have_no_link_and_keep_a_cid_of_somebody_elses() -> None:
    assert clean_url(links.tag("https://shop.example/?a=1", 17, tenant_id=3)) == "https://shop.example/?a=1"
    assert clean_url("https://shop.example/?cid=4711") == "https://shop.example/?cid=4711"
    assert links.found_in("https://shop.example/?cid=4711") is None
    assert links.found_in("https://[") is None


def test_the_column_of_an_export_has_the_links_of_each_contact() -> None:
    with tenant_context(7), patch("django.core.signing.time.time", return_value=1_800_000_000.0):
        assert links.cells_of([1, 22, 2**60]) == {pk: links.token(pk, tenant_id=7) for pk in (1, 22, 2**60)}
