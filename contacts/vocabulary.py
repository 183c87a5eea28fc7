"""Words that files use for yes and no, countries and languages, in the languages that the import understands."""

from contacts.identifiers import name_key

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

# Code, then names in English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Ukrainian, Russian where
# they differ. Compared without accents and capitals.
_COUNTRY_NAMES = """
AR Argentina|Argentinien|Argentine|Argentinië|Argentyna|Аргентина
AT Austria|Österreich|Autriche|Áustria|Oostenrijk|Австрія|Австрия
AU Australia|Australien|Australie|Austrália|Australië|Австралія|Австралия
BE Belgium|Belgien|Belgique|Bélgica|Belgio|België|Belgia|Бельгія|Бельгия
BG Bulgaria|Bulgarien|Bulgarie|Bulgária|Bulgarije|Bułgaria|Болгарія|Болгария
BR Brazil|Brasilien|Brésil|Brasil|Brasile|Brazilië|Brazylia|Бразилія|Бразилия
BY Belarus|Weißrussland|Biélorussie|Bielorrusia|Bielorussia|Białoruś|Білорусь|Беларусь
CA Canada|Kanada|Canadá|Канада
CH Switzerland|Schweiz|Suisse|Suiza|Svizzera|Suíça|Zwitserland|Szwajcaria|Швейцарія|Швейцария
CL Chile|Chili|Cile|Чилі|Чили
CN China|Chine|Cina|Chiny|Китай
CO Colombia|Kolumbien|Colombie|Colômbia|Kolumbia|Колумбія|Колумбия
CY Cyprus|Zypern|Chypre|Chipre|Cipro|Cypr|Кіпр|Кипр
CZ Czechia|Czech Republic|Tschechien|Tchéquie|Chequia|República Checa|Cechia|Tsjechië|Czechy|Чехія|Чехия
DE Germany|Deutschland|Allemagne|Alemania|Germania|Alemanha|Duitsland|Niemcy|Німеччина|Германия
DK Denmark|Dänemark|Danemark|Dinamarca|Danimarca|Denemarken|Dania|Данія|Дания
EE Estonia|Estland|Estonie|Estónia|Естонія|Эстония
EG Egypt|Ägypten|Égypte|Egipto|Egitto|Egito|Egypte|Egipt|Єгипет|Египет
ES Spain|Spanien|Espagne|España|Spagna|Espanha|Spanje|Hiszpania|Іспанія|Испания
FI Finland|Finnland|Finlande|Finlandia|Finlândia|Фінляндія|Финляндия
FR France|Frankreich|Francia|França|Frankrijk|Francja|Франція|Франция
GB United Kingdom|UK|Great Britain|Britain|England|Scotland|Wales|Vereinigtes Königreich|Großbritannien|Royaume-Uni
|Reino Unido|Regno Unito|Verenigd Koninkrijk|Wielka Brytania|Велика Британія|Великобритания
GE Georgia|Georgien|Géorgie|Gruzja|Грузія|Грузия
GR Greece|Griechenland|Grèce|Grecia|Grécia|Griekenland|Grecja|Греція|Греция
HR Croatia|Kroatien|Croatie|Croacia|Croazia|Croácia|Kroatië|Chorwacja|Хорватія|Хорватия
HU Hungary|Ungarn|Hongrie|Hungría|Ungheria|Hungria|Hongarije|Węgry|Угорщина|Венгрия
IE Ireland|Irland|Irlande|Irlanda|Ierland|Irlandia|Ірландія|Ирландия
IL Israel|Israël|Israele|Izrael|Ізраїль|Израиль
IN India|Indien|Inde|Índia|Indie|Індія|Индия
IS Iceland|Island|Islande|Islandia|Islanda|IJsland|Ісландія|Исландия
IT Italy|Italien|Italie|Italia|Itália|Italië|Włochy|Італія|Италия
JP Japan|Japon|Japón|Giappone|Japão|Japonia|Японія|Япония
KR South Korea|Korea|Südkorea|Corée du Sud|Corea del Sur|Corea del Sud|Coreia do Sul|Zuid-Korea|Korea Południowa
|Південна Корея|Южная Корея
KZ Kazakhstan|Kasachstan|Kazajistán|Kazachstan|Казахстан
LT Lithuania|Litauen|Lituanie|Lituania|Lituânia|Litouwen|Litwa|Литва
LU Luxembourg|Luxemburg|Luxemburgo|Lussemburgo|Luksemburg|Люксембург
LV Latvia|Lettland|Lettonie|Letonia|Lettonia|Letónia|Letland|Łotwa|Латвія|Латвия|Latvija
MA Morocco|Marokko|Maroc|Marruecos|Marocco|Marrocos|Maroko|Марокко
MD Moldova|Moldawien|Moldavie|Moldavia|Mołdawia|Молдова
MX Mexico|Mexiko|Mexique|México|Messico|Meksyk|Мексика
NL Netherlands|The Netherlands|Holland|Niederlande|Pays-Bas|Países Bajos|Paesi Bassi|Países Baixos|Nederland|Holandia
|Нідерланди|Нидерланды
NO Norway|Norwegen|Norvège|Noruega|Norvegia|Noorwegen|Norwegia|Норвегія|Норвегия
NZ New Zealand|Neuseeland|Nouvelle-Zélande|Nueva Zelanda|Nuova Zelanda|Nova Zelândia|Nieuw-Zeeland|Nowa Zelandia
|Нова Зеландія|Новая Зеландия
PE Peru|Pérou|Perú|Перу
PL Poland|Polen|Pologne|Polonia|Polónia|Polska|Польща|Польша
PT Portugal|Portogallo|Portugalia|Португалія|Португалия
RO Romania|Rumänien|Roumanie|Rumanía|Roménia|Roemenië|Rumunia|Румунія|Румыния
RS Serbia|Serbien|Serbie|Sérvia|Servië|Сербія|Сербия
RU Russia|Russland|Russie|Rusia|Rússia|Rusland|Rosja|Росія|Россия|Russian Federation
SE Sweden|Schweden|Suède|Suecia|Svezia|Suécia|Zweden|Szwecja|Швеція|Швеция
SG Singapore|Singapur|Singapour|Singapura|Сінгапур|Сингапур
SI Slovenia|Slowenien|Slovénie|Eslovenia|Eslovénia|Slovenië|Słowenia|Словенія|Словения
SK Slovakia|Slowakei|Slovaquie|Eslovaquia|Slovacchia|Eslováquia|Slowakije|Słowacja|Словаччина|Словакия
TR Turkey|Türkiye|Türkei|Turquie|Turquía|Turchia|Turquia|Turkije|Turcja|Туреччина|Турция
UA Ukraine|Ucrania|Ucraina|Ucrânia|Oekraïne|Ukraina|Україна|Украина
US United States|USA|United States of America|America|Vereinigte Staaten|États-Unis|Estados Unidos|Stati Uniti
|Verenigde Staten|Stany Zjednoczone|США|Сполучені Штати|Соединенные Штаты
VN Vietnam|Viêt Nam|Wietnam|Вʼєтнам|Вьетнам
ZA South Africa|Südafrika|Afrique du Sud|Sudáfrica|Sudafrica|África do Sul|Zuid-Afrika|Republika Południowej Afryki
|Південна Африка|ЮАР
"""
COUNTRIES: dict[str, str] = {code.lower(): code for code in COUNTRY_CODES} | {
    name_key(name): line[:2]
    for line in _COUNTRY_NAMES.strip().replace("\n|", "|").splitlines()
    for name in line[3:].split("|")
}

_LANGUAGE_NAMES = """
ar Arabic العربية|bg Bulgarian български|cs Czech čeština|da Danish dansk|de German Deutsch|el Greek Ελληνικά
en English|es Spanish español|et Estonian eesti|fi Finnish suomi|fr French français|he Hebrew עברית|hi Hindi हिन्दी
hr Croatian hrvatski|hu Hungarian magyar|id Indonesian|it Italian italiano|ja Japanese 日本語|kk Kazakh қазақша
ko Korean 한국어|lt Lithuanian lietuvių|lv Latvian latviešu|nb Norwegian norsk|nl Dutch Nederlands|no norwegian
pl Polish polski|pt Portuguese português|ro Romanian română|ru Russian русский|sk Slovak slovenčina
sl Slovenian slovenščina|sr Serbian српски|sv Swedish svenska|tr Turkish Türkçe|uk Ukrainian українська
vi Vietnamese|zh Chinese 中文
"""
LANGUAGES: dict[str, str] = {
    name_key(word): entry.split()[0]
    for entry in _LANGUAGE_NAMES.strip().replace("\n", "|").split("|")
    for word in entry.split()
}
