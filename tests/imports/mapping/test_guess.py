"""Which column is which field: headers of well-known exports, other languages, contents, and what a person chose."""

from pathlib import Path
from typing import Any

import pytest

from contacts.values.types import CORE, SYSTEM
from imports.files import reader
from imports.mapping import guess as mapping_guess
from imports.mapping.guess import CORE_TARGETS, Guess, check, guess, known_name, normal_name
from imports.mapping.header_synonyms import OWN_COLUMNS, SYNONYMS
from imports.problems.catalogue import PROBLEMS

EXPORTS = Path(__file__).parents[1] / "fixtures" / "exports"


def targets(header: list[str], columns: list[list[str]] | None = None, **own: str) -> dict[str, str]:
    """Column name → target, of those that are mapped."""
    return {header[g.column]: g.target for g in guess(header, columns or [], attributes=own) if g.target}


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("E-Mail_Adresse", "e mail adresse"),
        ("EMAIL", "email"),
        ("eMail", "e mail"),
        ("PostalCode", "postal code"),
        ("IDNumber", "id number"),
        ("firstName2", "first name2"),
        ("  Prénom : ", "prenom"),
        ("Straße", "strasse"),
        ("Imię", "imie"),
        ("Uzvārds", "uzvards"),
        ("État", "etat"),
        ("E\u0301tat", "etat"),
        ("Київ_Район", "київ район"),
        ("ДатаНародження", "дата народження"),
        ("Їжак", "їжак"),
        ("", ""),
        ("---", ""),
    ],
)
def test_normal_name(header: str, name: str) -> None:
    assert normal_name(header) == name


# --- well-known exports -----------------------------------------------------------------------------------------------

EXPECTED: dict[str, dict[str, str]] = {
    "mailchimp": {
        "Email Address": "email", "First Name": "first_name", "Last Name": "last_name", "Phone Number": "phone",
        "Address": "street", "TIMEZONE": "time_zone", "CC": "country", "REGION": "region",
        "Birthday": "birthday",
    },
    "hubspot": {
        "Record ID": "external_id", "First Name": "first_name", "Last Name": "last_name", "Email": "email",
        "Phone Number": "phone", "Job Title": "job_title", "City": "city", "State/Region": "region",
        "Postal Code": "postal_code", "Country/Region": "country", "Company Name": "company", "Website URL": "website",
        "Street Address": "street", "Date of birth": "birthday", "Preferred language": "language", "Time Zone": "time_zone",
        "Gender": "gender", "Marketing contact status": "email_status",
    },
    "klaviyo": {
        "Email Marketing Consent": "email_status",
        "Email": "email", "External ID": "external_id", "First Name": "first_name", "Last Name": "last_name",
        "Organization": "company", "Title": "job_title", "Phone Number": "phone", "Address": "street", "City": "city",
        "State / Region": "region", "Country": "country", "Zip Code": "postal_code", "Timezone": "time_zone",
        "Birthday": "birthday", "Locale": "language",
    },
    "shopify": {
        "Accepts Email Marketing": "email_status", "Accepts SMS Marketing": "phone_status",
        "Customer ID": "external_id", "First Name": "first_name", "Last Name": "last_name", "Email": "email",
        "Default Address Company": "company", "Default Address Address1": "street", "Default Address City": "city",
        "Default Address Province Code": "region", "Default Address Country Code": "country",
        "Default Address Zip": "postal_code", "Phone": "phone",
    },
    "salesforce": {
        "Id": "external_id", "LastName": "last_name", "FirstName": "first_name", "Name": "full_name",
        "MailingStreet": "street", "MailingCity": "city", "MailingState": "region", "MailingPostalCode": "postal_code",
        "MailingCountry": "country", "Phone": "phone", "Email": "email", "Title": "job_title", "Birthdate": "birthday",
    },
    "salesforce-report": {
        "Contact ID": "external_id", "First Name": "first_name", "Last Name": "last_name", "Title": "job_title",
        "Account Name": "company", "Mailing Street": "street", "Mailing City": "city", "Mailing State/Province": "region",
        "Mailing Zip/Postal Code": "postal_code", "Mailing Country": "country", "Phone": "phone", "Email": "email",
        "Birthdate": "birthday",
    },
    "google": {
        "First Name": "first_name", "Last Name": "last_name", "Organization Name": "company",
        "Organization Title": "job_title", "Birthday": "birthday", "E-mail 1 - Value": "email", "Phone 1 - Value": "phone",
        "Address 1 - Street": "street", "Address 1 - City": "city", "Address 1 - Region": "region",
        "Address 1 - Postal Code": "postal_code", "Address 1 - Country": "country", "Website 1 - Value": "website",
    },
    "google-old": {
        "Name": "full_name", "Given Name": "first_name", "Family Name": "last_name", "Birthday": "birthday",
        "Gender": "gender", "Occupation": "job_title", "Language": "language", "E-mail 1 - Value": "email",
        "Phone 1 - Value": "phone", "Address 1 - Street": "street", "Address 1 - City": "city",
        "Address 1 - Region": "region", "Address 1 - Postal Code": "postal_code", "Address 1 - Country": "country",
        "Organization 1 - Name": "company", "Website 1 - Value": "website",
    },
    "outlook": {
        "First Name": "first_name", "Last Name": "last_name", "E-mail Address": "email", "Mobile Phone": "phone",
        "Job Title": "job_title", "Company": "company", "Business Street": "street", "Business City": "city",
        "Business State": "region", "Business Postal Code": "postal_code", "Business Country/Region": "country",
        "Web Page": "website", "Birthday": "birthday",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_exports_map_by_themselves(name: str) -> None:
    """Each file has the header of that program's export and two made-up people."""
    path = EXPORTS / f"{name}.csv"
    dialect = reader.sniff(path.read_bytes(), size=path.stat().st_size, known=known_name)
    preview = reader.preview(path, dialect)
    columns = [list(column) for column in zip(*preview.rows, strict=True)]
    assert targets(preview.header, columns) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_exports_map_by_their_headers_alone(name: str) -> None:
    header = (EXPORTS / f"{name}.csv").read_text(encoding="utf-8-sig").splitlines()[0].split(",")
    found = targets([column.strip('"') for column in header])
    assert EXPECTED[name].items() <= found.items()


# --- languages --------------------------------------------------------------------------------------------------------

FIELDS = (
    "email phone external_id first_name last_name street postal_code city country birthday company job_title language"
)
LANGUAGES: dict[str, str] = {
    "English": "E-mail,Phone,Customer ID,First name,Last name,Street,Postcode,City,Country,Date of birth,Company,"
    "Job title,Language",
    "German": "E-Mail-Adresse,Telefon,Kundennummer,Vorname,Nachname,Straße,PLZ,Ort,Land,Geburtsdatum,Firma,Position,Sprache",
    "French": "Courriel,Téléphone,N° client,Prénom,Nom,Rue,Code postal,Ville,Pays,Date de naissance,Société,Fonction,Langue",
    "Spanish": "Correo electrónico,Teléfono,ID de cliente,Nombre,Apellidos,Calle,Código postal,Ciudad,País,"
    "Fecha de nacimiento,Empresa,Cargo,Idioma",
    "Italian": "Posta elettronica,Telefono,Codice cliente,Nome,Cognome,Via,CAP,Città,Paese,Data di nascita,Azienda,"
    "Qualifica,Lingua",
    "Portuguese": "Endereço de e-mail,Telefone,Código do cliente,Nome,Sobrenome,Rua,CEP,Cidade,País,Data de nascimento,"
    "Empresa,Profissão,Língua",
    "Dutch": "E-mailadres,Telefoonnummer,Klantnummer,Voornaam,Achternaam,Straat,Postcode,Woonplaats,Land,Geboortedatum,"
    "Bedrijf,Functie,Taal",
    "Polish": "Adres e-mail,Numer telefonu,Numer klienta,Imię,Nazwisko,Ulica,Kod pocztowy,Miasto,Kraj,Data urodzenia,Firma,"
    "Stanowisko,Język",
    "Ukrainian": "Електронна пошта,Телефон,Номер клієнта,Ім'я,Прізвище,Вулиця,Поштовий індекс,Місто,Країна,Дата народження,"
    "Компанія,Посада,Мова",
    "Russian": "Электронная почта,Телефон,Номер клиента,Имя,Фамилия,Улица,Индекс,Город,Страна,Дата рождения,Компания,"
    "Должность,Язык",
    "Latvian": "E-pasts,Tālrunis,Klienta numurs,Vārds,Uzvārds,Iela,Pasta indekss,Pilsēta,Valsts,Dzimšanas datums,Uzņēmums,"
    "Amats,Valoda",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages(language: str) -> None:
    header = LANGUAGES[language].split(",")
    for written in (header, [h.upper() for h in header], [h.replace(" ", "_") for h in header]):
        found = [g.target for g in guess(written, [], attributes={})]
        assert found == FIELDS.split()


@pytest.mark.parametrize(
    ("header", "name", "target"),
    [
        (["Vorname", "Name"], "Name", "last_name"),
        (["Prénom", "Nom"], "Nom", "last_name"),
        (["Nombre", "Apellidos"], "Nombre", "first_name"),
        (["Nome", "Cognome"], "Nome", "first_name"),
        (["Имя", "Фамилия"], "Имя", "first_name"),
        (["Ім’я", "Прізвище"], "Ім’я", "first_name"),
        (["Name"], "Name", "full_name"),
        (["Name", "First name", "Last name"], "Name", "full_name"),
        (["First name", "Full name"], "Full name", "full_name"),
    ],
)
def test_a_name_beside_one_half_is_the_other(header: list[str], name: str, target: str) -> None:
    assert targets(header)[name] == target


# --- which of several -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "mapped"),
    [
        (["Work email", "Email"], {"Email": "email"}),
        (["Email", "E-Mail-Adresse"], {"Email": "email"}),
        (["Home Phone", "Mobile Phone"], {"Mobile Phone": "phone"}),
        (["Mobile Phone", "Phone"], {"Phone": "phone"}),
        (["E-mail 1 - Value", "E-mail 2 - Value"], {"E-mail 1 - Value": "email"}),
        (["E-mail 2 - Value"], {}),
        (["Klaviyo ID", "External ID"], {"External ID": "external_id"}),
        (["Id", "Customer ID"], {"Customer ID": "external_id"}),
        (["LEID", "EUID"], {}),
        (["Country Code", "Country"], {"Country": "country"}),
        (["Title", "Job Title"], {"Job Title": "job_title"}),
        (["", "Column B"], {}),
    ],
)
def test_the_surest_name_wins(header: list[str], mapped: dict[str, str]) -> None:
    assert targets(header) == mapped


def test_between_equal_names_a_filled_column_wins() -> None:
    header = ["Business City", "Home City"]
    assert targets(header, [["", ""], ["Köln", "Bonn"]]) == {"Home City": "city"}
    assert targets(header, [["", "Ulm"], ["Köln", "Bonn"]]) == {"Business City": "city"}


def test_attributes_of_the_workspace() -> None:
    header = ["Shoe size (EU)", "shoe_size", "Title", "Lieblingsfarbe"]
    own: dict[str, Any] = {"shoe_size": "Shoe size (EU)", "book": "Title", "colour": "Lieblingsfarbe"}
    assert targets(header, **own) == {"Shoe size (EU)": "shoe_size", "Title": "book", "Lieblingsfarbe": "colour"}


def test_own_names_of_fields_come_before_attributes_of_the_workspace() -> None:
    assert targets(["City", "E-mail"], town="City", other="E-mail") == {"City": "city", "E-mail": "email"}


def test_columns_of_our_error_download_are_never_mapped() -> None:
    header = ["Email", *OWN_COLUMNS]
    columns = [["a@example.com"], ["b@example.com"], ["c@example.com"], ["+44 7911 123456"]]
    assert targets(header, columns, code="Code", reason="Reason", line="Line in file") == {"Email": "email"}
    assert targets(list(OWN_COLUMNS), columns) == {}


# --- by content -------------------------------------------------------------------------------------------------------


def test_content_decides_where_no_name_does() -> None:
    columns = [["1", "2", "3"], ["a@example.com", "", "b@example.com"], ["+44 7911 123456", "'+4915123456789", "no"]]
    assert guess(["x", "y", "z"], columns, attributes={}) == [
        Guess(0, None, "none"),
        Guess(1, "email", "content"),
        Guess(2, "phone", "content"),
    ]


def test_content_is_not_asked_when_a_name_fits() -> None:
    header, columns = ["x", "Email"], [["a@example.com"], ["not yet"]]
    assert guess(header, columns, attributes={}) == [Guess(0, None, "none"), Guess(1, "email", "name")]


def test_half_of_the_values_is_not_most() -> None:
    assert targets(["x"], [["a@example.com", "b"]]) == {}
    assert targets(["x"], [["0151 23456789", "030 123456"]]) == {}
    assert targets(["x"], [["", " "]]) == {}


def test_a_field_of_another_kind_is_not_forced_on_values() -> None:
    """Values of which none is a birthday would put every row in error; one without a year (as Mailchimp has it) is."""
    assert targets(["Birthday"], [["Tuesday", "spring"]]) == {}
    assert targets(["Birthday"], [["05/31", "12/24"]]) == {"Birthday": "birthday"}
    assert targets(["Birthday"], [["05/31", "1990-12-24"]]) == {"Birthday": "birthday"}
    assert targets(["Birthday"], [["05/06/1990"]]) == {"Birthday": "birthday"}
    assert targets(["Country"], [["Narnia"]]) == {}
    assert targets(["Country"], [["", ""]]) == {"Country": "country"}
    assert targets(["Email"], [["none"]]) == {"Email": "email"}


def test_fewer_samples_than_columns() -> None:
    assert targets(["Email", "Name"], [["a@example.com"]]) == {"Email": "email", "Name": "full_name"}


# --- what a person chose ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (["email", "skip", "skip", "first_name", "city"], []),
        (["phone"], []),
        (["external_id", "shoe_size"], []),
        (["email", "phone", "email"], [(2, "two_columns_one_target", "E-mail")]),
        (["email", "city", "city", "city"],
         [(2, "two_columns_one_target", "City"), (3, "two_columns_one_target", "City")]),
        (["email", "full_name", "full_name"], [(2, "two_columns_one_target", "Full name")]),
        (["email", "shoe_size", "shoe_size"], [(2, "two_columns_one_target", "shoe_size")]),
        (["email", "no_such"], [(1, "unknown_target", "no_such")]),
        (["first_name", "city"], [(None, "no_identifier_column", "E-mail, Phone or External ID")]),
        ([], [(None, "no_identifier_column", "E-mail, Phone or External ID")]),
    ],
)  # fmt: skip
def test_check(chosen: list[str], found: list[tuple[int | None, str, str | None]]) -> None:
    problems = check(chosen, known={*SYSTEM, "shoe_size"})
    assert [(p.column, p.code, p.value) for p in problems] == found
    assert all(p.code in PROBLEMS for p in problems)


# --- the table of names -----------------------------------------------------------------------------------------------


def test_every_field_has_names_and_no_name_has_two_fields() -> None:
    assert set(SYNONYMS) == {*CORE_TARGETS, *SYSTEM}
    assert {*CORE, "full_name"} == set(CORE_TARGETS)
    doubles = {
        name: found for name, found in mapping_guess._NAMES.items() if len({target for _rank, target in found}) > 1
    }
    assert not doubles
    assert "" not in mapping_guess._NAMES


def test_names_of_the_fields_themselves_map() -> None:
    for key, label in {**CORE, **{key: a.label for key, a in SYSTEM.items()}}.items():
        assert targets([label]) == {label: key}
        assert targets([key]) == {key: key}
