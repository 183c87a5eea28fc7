"""Countries and languages by their codes and names, in the languages that files are read in."""

import pycountry
import pytest
from babel import Locale

from contacts.models import Contact
from contacts.values import vocabulary
from imports.models import RowIssue
from imports.options import BadOption, Options
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.imports.helpers import bring

CASES = """
KE Kenya|kenya|KENYA|KEN|ke|Kenia|Кения|Кенія|Kenija|Republic of Kenya| Kénya
DE Germany|DEU|Deutschland|Allemagne|Alemania|Germania|Alemanha|Duitsland|Niemcy|Німеччина|Германия|Vācija|BRD
PH Philippines|The Philippines|Filipinas|Филиппины
CI Ivory Coast|Côte d'Ivoire|Côte d’Ivoire|Cote d Ivoire|Elfenbeinküste|Costa de Marfil
KR Korea|South Korea|Republic of Korea|Korea, Republic of|대한민국
KP North Korea|DPRK|Democratic People's Republic of Korea
GB UK|U.K.|United Kingdom|Great Britain|England|Scotland|Northern Ireland|Großbritannien|Англия|GBR
US USA|U.S.A.|US|United States|United States of America|America|США|EE.UU.|ASV
NL Holland|The Netherlands|Nederland|Pays-Bas|Голландия
MM Burma|Myanmar|Myanmar (Burma)
CZ Czech Republic|Czechia|Česko|Tschechische Republik|Чехія
SZ Swaziland|Eswatini
TR Türkiye|Turkey|Turkiye|Türkei
CD DRC|Congo - Kinshasa|Congo, The Democratic Republic of the|Zaire
CG Congo - Brazzaville|Republic of the Congo
BA Bosnia & Herzegovina|Bosnia and Herzegovina|Bosnien und Herzegowina
LC St. Lucia|Saint Lucia
MK North Macedonia|Macedonia|FYROM
FI Suomi|Finland|Somija
JP 日本|Japan|Япония
HK Hong Kong|Hong Kong SAR China
RU Russia|Russian Federation|Россия|РФ
VN Vietnam|Viet Nam|Việt Nam
IR Iran|Iran, Islamic Republic of
XK Kosovo
GR Greece|Ελλάδα|EL
GE Georgia|Gruzja
"""
LANGUAGES = """
zh Mandarin|Chinese|zh-Hans|zh_TW|Chinesisch|中文|Simplified Chinese|zho|chi
fa Farsi|Persian|فارسی|Персидский
en en|EN|eng|English|English (UK)|British English|en-GB|en_US.UTF-8|Englisch|Angielski|inglés
de German|ger|deu|Deutsch|Немецкий|vācu
pt pt_BR|Portuguese (Brazil)|Brazilian Portuguese|português
nl Dutch|Flemish|Nederlands|niderlandzki
es Spanish|Castilian|español|Spaans
el Greek|Modern Greek|ell|gre|Ελληνικά
fil Filipino|fil
yue Cantonese
no Norwegian
nb norsk|Bokmål
uk Ukrainian|українська|украинский
he Hebrew|עברית
sw Swahili|Kiswahili
"""


# Names that two countries or languages have in one language or another.
TWO = {"Congo", "Kongo", "krī", "kri", "Yi"}


def pairs(table: str) -> list[tuple[str, str]]:
    lines = [line.split(" ", 1) for line in table.strip().splitlines()]
    return [(code, name) for code, names in lines for name in names.split("|")]


@pytest.mark.parametrize(("code", "name"), pairs(CASES))
def test_countries(code: str, name: str) -> None:
    assert vocabulary.country(name) == code


@pytest.mark.parametrize(("code", "name"), pairs(LANGUAGES))
def test_languages(code: str, name: str) -> None:
    assert vocabulary.language(name) == code


@pytest.mark.parametrize("name", ["Congo", "Narnia", "", "-", "ZZ", "United", "n/a", "Kongo", "12"])
def test_what_is_no_country_or_two(name: str) -> None:
    assert vocabulary.country(name) is None


@pytest.mark.parametrize("name", ["Narnian", "", "-", "zz", "xx-YY", "n/a"])
def test_what_is_no_language(name: str) -> None:
    assert vocabulary.language(name) is None


@pytest.mark.parametrize("locale", vocabulary.LOCALES)
def test_every_country_and_language_has_its_name_in_every_language(locale: str) -> None:
    known = Locale.parse(locale)
    wrong = [
        (name, code, vocabulary.country(name))
        for code, name in known.territories.items()
        if code in vocabulary.COUNTRY_CODES and vocabulary.country(name) != code and name not in TWO
    ]
    assert not wrong
    missing = [
        name for code, name in known.languages.items()
        if len(code) == 2 and name not in TWO and pycountry.languages.get(alpha_2=code) and vocabulary.language(name) != code
    ]  # fmt: skip
    assert not missing


def test_every_code_of_iso_is_read() -> None:
    for found in pycountry.countries:
        assert {vocabulary.country(code) for code in (found.alpha_2, found.alpha_3, found.alpha_3.lower())} == {
            found.alpha_2
        }
    for code in vocabulary.language_codes():
        assert vocabulary.language(code) == code


def test_through_the_pipeline(tenant: Tenant) -> None:
    names = ["Kenya", "Germany", "Philippines", "DEU", "Congo"]
    imp = bring(tenant, "email,Country\n" + "".join(f"p{i}@example.com,{n}\n" for i, n in enumerate(names)))
    assert imp.mapping[1]["target"] == "country"
    assert (imp.created, imp.in_error) == (4, 1)
    with tenant_context(tenant.pk):
        found = [c.attributes["country"] for c in Contact.objects.order_by("email")]
        assert found == ["KE", "DE", "PH", "DE"]
        assert RowIssue.objects.get(import_id=imp.pk).code == "not_a_country"


def test_a_bad_country_drops_to_a_warning_and_reads_no_phone(tenant: Tenant) -> None:
    rows = "email,phone,Country\na@example.com,07911 123456,Narnia\nb@example.com,07911 123456,Royaume-Uni\n"
    imp = bring(tenant, rows, bad_value="drop", country="GB")
    with tenant_context(tenant.pk):
        found = list(Contact.objects.order_by("email").values_list("phone", flat=True))
        said = set(RowIssue.objects.filter(import_id=imp.pk).values_list("code", "severity"))
    assert found == [None, "+447911123456"]
    assert said == {("not_a_country", "warning"), ("phone_needs_country", "warning")}


@pytest.mark.parametrize(("given", "code"), [("Germany", "DE"), ("de", "DE"), ("DEU", "DE"), ("UK", "GB"), ("", "")])
def test_the_country_of_an_import(given: str, code: str) -> None:
    assert Options.parse({"country": given}).country == code


def test_a_country_that_is_none() -> None:
    with pytest.raises(BadOption, match="country=ZZ is not a country"):
        Options.parse({"country": "ZZ"})
