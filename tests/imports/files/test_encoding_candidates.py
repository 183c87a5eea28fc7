"""Lists of names in every encoding: read rightly, or asked about; and what is done when nobody has said which it is."""

import json
import random
from pathlib import Path

import pytest
from django.core.management import call_command

from contacts.models import Contact
from imports.files import encoding_candidates, reader
from imports.files.alphabets import LANGUAGES, USUAL
from imports.files.encodings import CHOICES
from imports.files.reader import FileProblem
from imports.mapping.guess import known_name
from imports.models import Import
from imports.options import Options
from imports.problems import catalogue
from imports.wizard import column_choices, upload
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.docs import encodings as table
from tests.imports.helpers import again, proved, receive, work
from tests.imports.made_up_names import NAMES, WRITTEN, file_of, people

UNSURE = "first name;email\r\nGyőző;a@example.com\r\n".encode("cp1250")


def sniff(data: bytes, **more: str) -> reader.Dialect:
    return reader.sniff(data, size=len(data), **more, known=known_name)  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", WRITTEN)
def test_lists_are_read_rightly_or_asked_about(encoding: str) -> None:
    """98 of 100 of three to twenty names, and none of twenty silently wrong; the page in docs has the figures."""
    found = {size: table.tried(encoding, size, lists=12) for size in (3, 5, 20)}
    fine = sum(r + a for r, a, _w in found.values())
    assert fine >= 0.98 * sum(map(sum, found.values()))
    assert found[20][2] == 0
    assert found[20][0] >= 0.9 * sum(found[20])


def test_every_encoding_of_one_or_two_bytes_can_be_found() -> None:
    assert set(USUAL) == {name for name in CHOICES if not name.startswith("utf")}
    assert {name for language in LANGUAGES.values() for name in language.encodings} == set(USUAL)


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        ("José Zoë François João Åsa Núñez Chloé Þór", "cp1252"),
        ("José Zoë François João Åsa Núñez Chloé", "mac-roman"),
        ("José Zoë François João Åsa Núñez Chloé", "cp850"), ("Zoë Müller", "cp850"), ("Zoë François", "mac-roman"),
        ("山田 花子 太郎", "shift_jis"), ("さくら ひなた", "shift_jis"),
        ("王小明 李芳 张伟", "gb18030"), ("陳大文 林美玲", "big5"),
        ("김철수 박영희 이민준", "euc_kr"), ("Иван Мария Пётр", "cp866"), ("Иван Мария Пётр", "koi8-r"),
        ("Łukasz Zając Świątek", "cp852"),
        ("İbrahim Yıldız Şahin", "cp1254"), ("שרה כהן דוד לוי", "cp1255"), ("محمد أحمد فاطمة", "cp1256"),
    ],
)  # fmt: skip
def test_names_are_right_or_asked_about(names: str, encoding: str) -> None:
    data = file_of([f"{name};x" for name in names.split()], encoding)
    found = sniff(data)
    possible = found.unsure or (found.encoding,)
    assert data.decode(encoding) in [data.decode(name) for name in possible]


@pytest.mark.parametrize("letters", ["ZοA", "Josι", "Zoλ", "Annа", "Niкo"])
def test_letters_of_two_scripts_in_a_word_count_against_a_reading(letters: str) -> None:
    assert encoding_candidates._faults(letters) > 10


def test_the_country_of_the_workspace_counts() -> None:
    assert sniff(UNSURE).unsure
    assert sniff(UNSURE, country="GB").unsure
    assert (sniff(UNSURE).encoding, sniff(UNSURE, country="HU").encoding) == ("cp1252", "cp1250")


def test_long_files_and_cut_ones() -> None:
    rng = random.Random(5)
    for encoding in ("cp1252", "shift_jis", "big5", "gb18030", "euc_kr", "koi8-r"):
        language = WRITTEN[encoding][0]
        pool = people(language, 60, rng)
        data = file_of([rng.choice(pool) for _ in range(20_000)], encoding)
        for cut in range(256 * 1024 - 3, 256 * 1024 + 1):
            found = reader.sniff(data[:cut], size=len(data), known=known_name)
            assert data.decode(found.encoding) == data.decode(encoding)
            assert found.unsure == ()


def test_nothing_is_imported_before_somebody_has_said_which(tenant: Tenant) -> None:
    imp = receive(tenant, UNSURE)
    with tenant_context(tenant.pk):
        chosen = column_choices.apply_choices(imp, {})
        with pytest.raises(FileProblem) as caught:
            upload.start(imp, options=Options(), columns=chosen, auto_start=True)
        assert caught.value.code == "encoding_unsure"
        assert "Windows-1250" in catalogue.sentence(caught.value.code, **caught.value.facts)
        column_choices.reread_file(imp, tenant, {"encoding": "cp1250"})
        upload.start(imp, options=Options(), columns=column_choices.apply_choices(imp, {}), auto_start=True)
    done = work(tenant, imp)
    assert done.created == 1
    proved(tenant, done)
    with tenant_context(tenant.pk):
        assert Contact.objects.get().first_name == "Győző"


def test_the_page_asks_with_the_readings_side_by_side(alice: Actor) -> None:
    imp = receive(alice.workspace, UNSURE, user=alice.user)
    page = alice.get(f"imports/{imp.pk}/").content.decode()
    assert "Which column shows the names correctly?" in page
    assert {"Győző", "Gyõzõ"} <= set(page.replace("<bdi>", " ").replace("</bdi>", " ").split())
    data = {"column-0": "first_name", "column-1": "email", "mode": "create_and_update", "existing": "overwrite"}
    refused = alice.post(f"imports/{imp.pk}/start/", data)
    assert refused.status_code == 422
    assert "Choose the encoding of the file first." in refused.content.decode()
    for encoding in imp.dialect["unsure"]:
        again_ = receive(alice.workspace, UNSURE, user=alice.user)
        sent = alice.post(f"imports/{again_.pk}/read-again/", {"decided": "yes", "encoding": encoding})
        assert sent.status_code == 302
        now = again(alice.workspace, again_).dialect
        assert (now["encoding"], now["unsure"], now["header"]) == (encoding, [], True)
        assert "Which of these" not in alice.get(f"imports/{again_.pk}/").content.decode()


def test_other_choices_leave_the_question_open(alice: Actor) -> None:
    imp = receive(alice.workspace, UNSURE, user=alice.user)
    form = {"encoding": imp.dialect["encoding"], "separator": ";", "quote": '"', "header_line": "1"}
    assert alice.post(f"imports/{imp.pk}/read-again/", form).status_code == 302
    now = again(alice.workspace, imp).dialect
    assert (now["header"], bool(now["unsure"])) == (False, True)


def test_the_command_stops_with_a_code(tenant: Tenant, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sniff(UNSURE, country=tenant.country).unsure, "or the command would wait for workers"
    path = tmp_path / "people.csv"
    path.write_bytes(UNSURE)
    with pytest.raises(SystemExit):
        call_command("import_contacts", str(path), "--workspace", tenant.slug, "--json")
    answer = json.loads(capsys.readouterr().out)
    assert (answer["status"], answer["reason"], answer["rows"]) == ("failed", "encoding_unsure", 0)
    with tenant_context(tenant.pk):
        assert not Import.objects.exists()


def _read_by(imp: Import, tenant: Tenant, encoding: str) -> str:
    """The code of why a file cannot be read by an encoding, empty when it can."""
    try:
        column_choices.reread_file(imp, tenant, {"encoding": encoding})
    except FileProblem as problem:
        return problem.code
    return "" if column_choices.preview(imp).header else "nothing"


@pytest.mark.parametrize(
    "data",
    [b"email,name\na@example.com,Ann\n", "email,name\na@example.com,Zoë\n".encode(), UNSURE,
     "email\r\nä@b.cd\r\n".encode("utf-16"), "email\na@example.com\n".encode("utf-16-le"), b"email\na@example.com",
     "email,name\na@example.com,花子\n".encode("shift_jis")],
)  # fmt: skip
def test_a_chosen_encoding_that_does_not_fit_is_a_problem_never_an_error(tenant: Tenant, data: bytes) -> None:
    imp = receive(tenant, data)
    with tenant_context(tenant.pk):
        for encoding in CHOICES:
            fits = encoding.startswith(("utf-16", "utf-32")) == (b"\x00" in data)
            found = _read_by(imp, tenant, encoding)
            assert found in ("", "encoding_unreadable", "header_duplicate", "no_rows")
            assert fits or found


def test_the_page_says_that_an_encoding_does_not_fit(alice: Actor) -> None:
    imp = receive(alice.workspace, b"email,name\na@example.com,Ann\n", user=alice.user)
    for encoding in ("utf-16", "utf-32", "utf-16-be", "rot13"):
        form = {"encoding": encoding, "header_line": "1", "header": "on"}
        assert alice.post(f"imports/{imp.pk}/read-again/", form).status_code == 422


def test_names_are_of_many_languages() -> None:
    assert len(NAMES) >= 12
