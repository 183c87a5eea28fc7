"""The code for pages, and the mail that explains it."""

import pytest

from tracking.models import Site
from tracking.pixel import installation

BASE = "https://c.example"


def site(**settings: object) -> Site:
    return Site(name="Shop", key="1-ab", **settings)


def test_the_snippet_says_what_the_settings_say() -> None:
    plain = installation.snippets(site(), base=BASE)
    assert (
        plain.script.splitlines()[0]
        == '<script src="https://c.example/static/pixel.js" data-key="1-ab" defer></script>'
    )
    assert "<noscript>" in plain.script
    asked = installation.snippets(site(consent_required=True, capture_forms=True), base=BASE)
    # The image knows nothing of consent.
    assert asked.script == (
        '<script src="https://c.example/static/pixel.js" data-key="1-ab" data-consent="required" data-forms defer></script>'
    )
    for given in ('"data-key", "1-ab"', '"data-consent", "required"', '"data-forms", ""'):
        assert f"pixel.setAttribute({given});" in asked.tag_manager


def test_the_mail_has_all_that_a_developer_needs() -> None:
    subject, text = installation.mail(site(consent_required=True), base=BASE, sender="Ann", workspace="Nordvik")
    assert subject == "Install the pixel on Shop"
    snippets = installation.snippets(site(consent_required=True), base=BASE)
    for part in (
        snippets.script,
        snippets.tag_manager,
        "cdp.consent(true)",
        "c.example",
        "#cdp-check",
        "Ann",
        "Nordvik",
    ):
        assert part in text
    assert "cdp.consent" not in installation.mail(site(), base=BASE, sender="Ann", workspace="Nordvik")[1]


@pytest.mark.parametrize(
    ("name", "hosts", "address"),
    [
        ("shop.example", "", "https://shop.example/#cdp-check"),
        ("Our shop", "*.shop.example\nwww.shop.example", "https://www.shop.example/#cdp-check"),
        ("Our shop", "", ""),
        ("shop.example/x", "", ""),
        ('"><b>.x', "", "https://&quot;&gt;&lt;b&gt;.x/#cdp-check"),
    ],
)
def test_the_address_to_check(name: str, hosts: str, address: str) -> None:
    assert installation.example_address(Site(name=name, key="1-ab", hosts=hosts)) == address
