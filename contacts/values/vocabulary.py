"""Words that files use for yes and no, countries and languages, in the languages that the import understands.

Names of countries and languages come from CLDR (babel) and ISO (pycountry); what is here besides are names that people use
and neither has. They are read on first use, and compared without accents, capitals and signs.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import pycountry
from babel import Locale

from contacts.values.identifiers import name_key

# The languages of the names of columns (imports.mapping.header_synonyms).
LOCALES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "uk", "ru", "lv")

_YES = """yes true 1 y on t ja wahr oui vrai sí si sì verdadero cierto vero sim verdadeiro waar tak prawda так да істина
истина jā paties subscribed x ✓"""
_NO = """no false 0 n off f nein falsch non faux falso não nao nee onwaar nie fałsz ні нет хибність ложь nē aplams
unsubscribed"""
BOOLEANS: dict[str, bool] = {**dict.fromkeys(_YES.split(), True), **dict.fromkeys(_NO.split(), False)}

# Two-letter codes (ISO 3166-1) that a cell may hold as they are.
_CODES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM
TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""
COUNTRY_CODES = frozenset(_CODES.split())

# Where a country is called by its own name: language → countries.
_AT_HOME = {
    "fi": "FI", "sv": "SE", "nb": "NO", "da": "DK", "is": "IS", "et": "EE", "lt": "LT", "hu": "HU", "ro": "RO MD",
    "bg": "BG", "el": "GR CY", "hr": "HR BA", "sr": "RS ME", "sr_Latn": "RS ME", "sk": "SK", "sl": "SI", "cs": "CZ",
    "tr": "TR", "ja": "JP", "zh": "CN SG", "zh_Hant": "TW HK MO", "ko": "KR", "he": "IL",
    "ar": "AE BH DZ EG IQ JO KW LB LY MA OM QA SA TN",
    "th": "TH", "vi": "VN", "id": "ID", "ms": "MY", "hi": "IN", "fa": "IR AF", "ka": "GE", "hy": "AM", "az": "AZ",
    "kk": "KZ", "uz": "UZ", "be": "BY", "sq": "AL XK", "mk": "MK", "bs": "BA", "ca": "AD ES", "eu": "ES", "gl": "ES",
    "ga": "IE", "cy": "GB", "mt": "MT", "lb": "LU", "sw": "KE TZ",
}  # fmt: skip
# Other names, of before and of every day.
_ALSO = """
AE UAE|Emirates|Emirate|VAE|ОАЭ|ОАЕ|EAU|ZEA
BA Bosnia|Bosnien|Bosnie|Босния|Боснія
BN Brunei
BY Belorussia|Byelorussia|Weißrussland|Bielorussia|Białoruś|Белоруссия|Білорусія
CD DRC|DR Congo|Congo Kinshasa|Democratic Republic of Congo|Democratic Republic of the Congo|Zaire|Kongo Kinshasa
|RD Congo|ДР Конго
CF CAR
CG Congo Brazzaville|Republic of the Congo|Kongo Brazzaville|Republik Kongo
CH Swiss|Helvetia|Schweizerische Eidgenossenschaft
CI Ivory Coast|Elfenbeinküste|Costa de Marfil|Costa d'Avorio|Costa do Marfim|Ivoorkust|Cote d'Ivoire
|Берег Слоновой Кости
CN PRC|PR China|Mainland China|People's Republic of China|VR China|КНР
CV Cape Verde|Kap Verde|Cap-Vert|Capo Verde|Kaapverdië
CZ Czech Republic|Czech Rep|Tschechische Republik|République tchèque|República Checa|Repubblica Ceca
|Tsjechische Republiek|Republika Czeska|Чешская Республика|Чеська Республіка|Čehijas Republika|Česká republika|ČR
DE FRG|BRD|Federal Republic of Germany|Bundesrepublik Deutschland|ФРГ|ФРН
DO Dominican Rep
FK Malvinas|Islas Malvinas
FM Micronesia|Mikronesien|Micronésie
GB UK|U.K.|Great Britain|Britain|England|Scotland|Wales|Northern Ireland|Großbritannien|Grande-Bretagne|Angleterre
|Gran Bretaña|Inglaterra|Gran Bretagna|Inghilterra|Grã-Bretanha|Groot-Brittannië|Engeland|Anglia|Англия|Англія
|Великобритания|Великобританія|Anglija|United Kingdom of Great Britain and Northern Ireland|Schottland|Escocia|Ecosse
GR Hellas|Ellada|EL|Hellenic Republic
HK Hong Kong|Hongkong|Hong-Kong|Гонконг
IR Iran|Persia|Iran (Islamic Republic of)
KP North Korea|DPRK|Nordkorea|Corée du Nord|Corea del Norte|КНДР
KR South Korea|Korea|Republic of Korea|S. Korea|ROK|Korea (South)|Южная Корея|Республика Корея|Südkorea|Corée|Corea
|Coreia
LA Laos|Lao
LK Ceylon
MD Moldavia|Moldawien|Moldavie|Молдавия|Молдавія
MK Macedonia|FYROM|Mazedonien|Macédoine|Македония|Македонія|North Macedonia|Macedonië
MM Burma|Birma|Birmanie|Birmania|Бирма
MO Macau|Macao|Makau
NL Holland|The Netherlands|Hollande|Holanda|Olanda|Holandia|Голландия|Голландія|Holande
PS Palestine|Palästina|Palestina|Палестина
RU Russian Federation|RF|РФ|Russische Föderation
SA KSA
SY Syria
SZ Swaziland|Swasiland
TH Siam
TL East Timor|Timor-Leste|Osttimor|Timor oriental|Timor Oriental
TR Turkey|Türkiye|Turkiye
TW Taiwan|Republic of China|Taiwan R.O.C.|Chinese Taipei|Formosa
TZ Tanzania
UA The Ukraine
US USA|U.S.|U.S.A.|United States of America|America|Amerika|Америка|США|Etats-Unis d'Amérique|EE.UU.|EEUU|EUA|VS|ASV
|Vereinigte Staaten von Amerika|Estados Unidos de América|Stati Uniti d'America|Сполучені Штати
|Соединенные Штаты Америки
VA Vatican|Vatikan|Holy See|Vaticano|Ватикан
VN Viet Nam|Vietnam
XK Kosovo
ZA RSA|ЮАР|ПАР|Republic of South Africa
"""
# What may mean either of two countries.
_NO_COUNTRY = frozenset({"congo", "kongo", "конго"})
# Names of languages beside those of CLDR and ISO, and by their own names.
_LANGUAGES_ALSO = """
ar العربية|am አማርኛ|az azərbaycan|be беларуская|bg български|bn বাংলা|bs bosanski|ca català|Valencian|cs čeština|český
cy Cymraeg
da dansk|de Deutsch|el Ελληνικά|Modern Greek|en English|es español|castellano|Castilian|et eesti|eu euskara|fa فارسی
Farsi|Parsi|Фарси|Фарсі
fi suomi|fil Pilipino|fr français|ga Gaeilge|Irish Gaelic|gd Scots Gaelic|Scottish Gaelic|gl galego|he עברית|Ivrit
hi हिन्दी|hr hrvatski|hu magyar
hy հայերեն|id Bahasa Indonesia|Bahasa|is íslenska|it italiano|ja 日本語|ka ქართული|kk қазақша|қазақ тілі|ko 한국어|Korean
lb Lëtzebuergesch
lt lietuvių|lv latviešu|Lettish|mk македонски|ms Bahasa Melayu|Malaysian|mt Malti|nb norsk|norsk bokmål|Bokmål
nl Nederlands|Flemish|Vlaams|Flämisch|flamand|flamenco
nn nynorsk|norsk nynorsk|no Norwegian|pa Panjabi|pl polski|ps Pushto|pt português|Brazilian|Brazilian Portuguese
ro română|Moldovan|Moldavian|Rumanian
ru русский|sk slovenčina|slovenský|sl slovenščina|sq shqip|sr српски|srpski|sv svenska|sw Kiswahili|th ไทย|tl Tagalog
tr Türkçe|Turkce
uk українська|ur اردو|uz o'zbek|vi Tiếng Việt|yue 粵語|zh 中文|汉语|漢語|普通话|Mandarin|Mandarin Chinese|Putonghua
Simplified Chinese|Traditional Chinese|Chinese Simplified|Chinese Traditional|Китайский
"""
_LOCALE_CODE = re.compile(r"([A-Za-z]{2,3})(?:[-_.][A-Za-z0-9@_.-]+)\Z").match
_SIGNS = re.compile(r"[\W_]+")
_IN_BRACKETS = re.compile(r"\s*[(（][^()（）]*[)）]\s*")


def country(text: str) -> str | None:
    """The two-letter code of a country that a text names: by its codes, or by a name in one of the languages."""
    if text in COUNTRY_CODES:
        return text
    key = _key(text)
    return _countries().get(key) or _countries_at_home().get(key)


def language(text: str) -> str | None:
    """The code of a language that a text names: its two letters, or three where it has no two. Regions are left out."""
    if (match := _LOCALE_CODE(text)) and (code := _languages().get(match[1].lower())):
        return code
    return _languages().get(_key(text)) or _languages().get(_key(_IN_BRACKETS.sub(" ", text)))


@cache
def language_codes() -> frozenset[str]:
    """The codes that `language` gives."""
    return frozenset(_languages().values())


def _key(name: str) -> str:
    words = _SIGNS.sub(" ", name_key(name.replace("&", " and "))).split()
    words = ["st" if word == "saint" else word for word in words]
    return " ".join(words[1:] if words[:1] == ["the"] else words)


@cache
def _countries() -> dict[str, str]:
    codes = [(code, code) for code in COUNTRY_CODES] + [(c.alpha_3, c.alpha_2) for c in pycountry.countries]
    spoken = [pair for locale in LOCALES for pair in _territories(locale, COUNTRY_CODES)]
    iso = [
        (form, c.alpha_2)
        for c in pycountry.countries
        for name in (c.name, getattr(c, "official_name", ""), getattr(c, "common_name", ""))
        for form in _turned(name)
    ]
    lines = _ALSO.strip().replace("\n|", "|").split("\n")
    also = [(name, line[:2]) for line in lines for name in line[3:].split("|")]
    known = _first_of(codes, also, spoken, iso, _in_parts([*spoken, *iso]))
    return {key: code for key, code in known.items() if key not in _NO_COUNTRY}


@cache
def _countries_at_home() -> dict[str, str]:
    """Looked at last: that many more languages take half a second to read."""
    return _first_of(
        [pair for locale, codes in _AT_HOME.items() for pair in _territories(locale, frozenset(codes.split()))]
    )


def _territories(locale: str, codes: frozenset[str]) -> Iterator[tuple[str, str]]:
    return ((name, code) for code, name in Locale.parse(locale).territories.items() if code in codes)


def _in_parts(names: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Each half of a name with brackets: Myanmar (Burma) is Myanmar, and Burma."""
    return [(part, code) for name, code in names if "(" in name for part in re.split(r"[()]", name)]


def _turned(name: str) -> Iterator[str]:
    """A name of ISO as it stands, and as it is said: Korea, Republic of → Republic of Korea."""
    yield name
    first, comma, rest = name.partition(", ")
    if comma:
        yield f"{rest} {first}"


def _first_of(*tables: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Key → code, by the first table that has the name. A name that means two things in a table is left out of it."""
    known: dict[str, str] = {}
    for table in tables:
        codes_by_name: dict[str, set[str]] = {}
        for name, code in table:
            codes_by_name.setdefault(_key(name), set()).add(code)
        known = {key: min(codes) for key, codes in codes_by_name.items() if key and len(codes) == 1} | known
    return known


@cache
def _languages() -> dict[str, str]:
    english = {code for code in _spoken("en") if "_" not in code}
    every: list[tuple[str, Any]] = [(getattr(of, "alpha_2", of.alpha_3), of) for of in pycountry.languages]
    iso = [(code, language) for code, language in every if code in english or len(code) == 2]
    codes = [(code, code) for code in english]
    longer = [
        (form, code) for code, language in iso for form in (language.alpha_3, getattr(language, "bibliographic", ""))
    ]
    named = [(name, code) for code, language in iso for name in language.name.split("; ")]
    spoken = [
        (name, code.split("_")[0])
        for locale in LOCALES
        for code, name in _spoken(locale).items()
        if code.split("_")[0] in english
    ]
    also = [(name, code) for code, name in _also(_LANGUAGES_ALSO)]
    bare = [(_IN_BRACKETS.sub(" ", name), code) for name, code in named]
    return _first_of(codes, longer, also, spoken, named, bare)


def _spoken(locale: str) -> dict[str, str]:
    """Code → name of languages, as CLDR has them in one of them."""
    return {str(code): str(name) for code, name in Locale.parse(locale).languages.items()}


def _also(text: str) -> Iterator[tuple[str, str]]:
    """(code, name) of the list above: a part that begins with a code of two or three small letters begins a language."""
    code = ""
    for part in text.strip().replace("\n", "|").split("|"):
        first, blank, rest = part.partition(" ")
        if blank and re.fullmatch("[a-z]{2,3}", first):
            code, part = first, rest
        yield code, part
