"""Which encoding a file is in: texts of ten short lines in every language that the import knows, and damaged files."""

import codecs
import random
from pathlib import Path

import pytest

from imports.files import reader
from imports.files.encodings import CHOICES, detect
from imports.files.reader import Dialect, FileProblem
from imports.mapping.guess import known_name

# Made-up people: name, street, city, a word. As few letters beyond ASCII as such files have.
TEXTS: dict[str, str] = {
    "german": """Jürgen Müller;Hauptstraße 5;Köln;Stammkunde
Käthe Schäfer;Am Bächle 12;Freiburg;Neukundin
Björn Groß;Königsallee 1;Düsseldorf;möchte Prospekte
Anna Schmidt;Lindenweg 7;Hamburg;kein Interesse
Sören Weiß;Große Gasse 3;Nürnberg;Gutschein für Mai
Ute Jäger;Mühlenstraße 44;Lübeck;Rückruf gewünscht""",
    "french": """Chloé Lefèvre;12 rue de l'Église;Orléans;fidèle
François Garçon;3 allée des Chênes;Besançon;très intéressé
Hélène Dupré;8 place du Théâtre;Nîmes;à rappeler
Zoé Petit;1 impasse du Pré;Sète;déjà cliente
Benoît Noël;5 avenue Maréchal Foch;Angoulême;août""",
    "spanish": """José García;Calle Peñón 4;A Coruña;sí
María Núñez;Avenida de la Constitución 7;Cádiz;mañana
Íñigo Ibáñez;Plaza Mayor 1;León;también por teléfono
Sofía Ramírez;Calle Alcalá 20;Málaga;año nuevo
Ángel Muñoz;Calle San Andrés 9;Logroño;envío rápido""",
    "portuguese": """João Simões;Rua da Conceição 4;São Paulo;não
Inês Gonçalves;Avenida São João 7;Brasília;amanhã
Antônio Araújo;Praça da Sé 1;Goiânia;também por e-mail
Luísa Conceição;Rua Direita 20;Maceió;promoção""",
    "italian": """Niccolò Rossi;Via Libertà 4;Forlì;sì
Noè D'Angelò;Via dell'Università 7;Città di Castello;perché no
Carlo Conti;Via Roma 1;Cantù;già cliente
Zoè Bianchi;Corso Umberto 2;Mondovì;lunedì""",
    "swedish": """Åsa Öberg;Storgatan 5;Malmö;på väg
Björn Sjöström;Kungsgatan 12;Göteborg;återköp
Märta Åkesson;Södra vägen 1;Västerås;väntar
Linnéa Ångström;Östra gränd 8;Växjö;företag""",
    "polish": """Łukasz Kowalczyk;ulica Długa 5;Łódź;stały klient
Małgorzata Wójcik;Świętego Jana 7;Kraków;proszę dzwonić
Paweł Żak;aleja Róż 1;Poznań;nowy klient
Zofia Dąbrowska;Źródlana 3;Gdańsk;październik
Błażej Ślusarczyk;Kościelna 8;Częstochowa;rabat dla córki""",
    "czech": """Jiří Dvořák;Dlouhá třída 5;Plzeň;stálý zákazník
Šárka Nováková;Příkopy 7;Třebíč;zavolat později
Tomáš Růžička;Údolní 12;České Budějovice;věrnostní sleva
Věra Šťastná;Žižkova 1;Brno;nový zákazník
Ondřej Žák;Květná 9;Děčín;dárek k narozeninám""",
    "hungarian": """Ágnes Szőke;Fő utca 5;Győr;törzsvásárló
Gábor Kovács;Petőfi tér 7;Székesfehérvár;új ügyfél
Zsófia Tóth;Kossuth út 12;Pécs;később hívjuk
Ödön Fűzfa;Rózsa köz 1;Nyíregyháza;hűségkártya""",
    "russian": """Иван Петров;улица Ленина 5;Москва;постоянный клиент
Мария Щукина;Невский проспект 7;Санкт-Петербург;перезвонить
Пётр Жуков;Садовая 12;Казань;новый клиент
Юлия Цветкова;площадь Мира 1;Тверь;скидка в мае
Эдуард Хохлов;Лесная 9;Омск;подарочная карта""",
    "ukrainian": """Іван Петренко;вулиця Шевченка 5;Київ;постійний клієнт
Олена Дяченко;проспект Свободи 7;Львів;передзвонити
Юрій Їжакевич;Садова 12;Одеса;новий клієнт
Ганна Ґудзь;площа Ринок 1;Харків;знижка в травні
Євген Щербак;Лісова 9;Полтава;подарункова картка""",
    "bulgarian": """Иван Петров;улица Шипка 5;София;редовен клиент
Мария Христова;булевард Витоша 7;Пловдив;да се обади
Петър Желязков;Градинска 12;Бургас;нов клиент
Юлия Цветкова;площад Свобода 1;Русе;отстъпка през май""",
    "greek": """Γιώργος Παπαδόπουλος;Οδός Ερμού 5;Αθήνα;τακτικός πελάτης
Μαρία Νικολάου;Λεωφόρος Νίκης 7;Θεσσαλονίκη;να τηλεφωνήσω
Νίκος Γεωργίου;Πλατεία Ελευθερίας 1;Πάτρα;νέος πελάτης
Ελένη Δημητρίου;Ακτή Μιαούλη 9;Ηράκλειο;έκπτωση τον Μάιο""",
    "turkish": """İbrahim Yıldız;Atatürk Caddesi 5;İstanbul;müşteri
Ayşe Çelik;Gül Sokağı 7;İzmir;görüşme yapıldı
Oğuz Şahin;Barış Mahallesi 12;Eskişehir;yeni müşteri
Çağla Gündoğdu;Işık Sokak 1;Muğla;doğum günü indirimi
Ümit Öztürk;Çiçek Sokağı 9;Diyarbakır;sadık müşteri""",
    "latvian": """Jānis Bērziņš;Brīvības iela 5;Rīga;pastāvīgs klients
Līga Kalniņa;Lielā iela 7;Jelgava;piezvanīt vēlāk
Kārlis Ozoliņš;Skolas iela 12;Liepāja;jauns klients
Žanete Šķēle;Tērbatas iela 1;Cēsis;atlaide maijā
Ģirts Zariņš;Dārza iela 9;Rēzekne;dāvanu karte""",
    "lithuanian": """Jonas Žukauskas;Gedimino prospektas 5;Vilnius;nuolatinis klientas
Rūta Čepaitė;Laisvės alėja 7;Kaunas;paskambinti vėliau
Šarūnas Būdvytis;Mėnulio gatvė 12;Klaipėda;naujas klientas
Eglė Jankauskaitė;Pušų gatvė 1;Šiauliai;nuolaida gegužę
Ąžuolas Įdėlis;Žvejų gatvė 9;Panevėžys;dovanų kortelė""",
    "estonian": """Jüri Tamm;Pikk tänav 5;Tallinn;püsiklient
Õnne Põder;Ülikooli 7;Pärnu;helistada hiljem
Käthlin Mägi;Sõpruse puiestee 12;Võru;sünnipäev
Üllar Jõgi;Näituse 1;Põltsamaa;öösel mitte""",
}
PAGES: dict[str, tuple[str, ...]] = {
    "german": ("cp1252",),
    "french": ("cp1252",),
    "spanish": ("cp1252",),
    "portuguese": ("cp1252",),
    "italian": ("cp1252",),
    "swedish": ("cp1252",),
    "polish": ("cp1250", "iso8859-2"),
    "czech": ("cp1250", "iso8859-2"),
    "hungarian": ("cp1250",),
    "russian": ("cp1251", "koi8-r", "iso8859-5"),
    "ukrainian": ("cp1251", "koi8-u", "iso8859-5"),
    "bulgarian": ("cp1251",),
    "greek": ("cp1253", "iso8859-7"),
    "turkish": ("cp1254",),
    "latvian": ("cp1257",),
    "lithuanian": ("cp1257",),
    "estonian": ("cp1257",),
}
CASES = [(language, page) for language, pages in PAGES.items() for page in pages]


def _file(text: str) -> str:
    rows = [f"{line};kunde{i}@example.com;{1990 + i}-05-31" for i, line in enumerate(text.splitlines())]
    return "name;street;city;note;email;birthday\r\n" + "\r\n".join(rows) + "\r\n"


def _guess(data: bytes) -> str:
    return reader.sniff(data, size=len(data), known=known_name).encoding


@pytest.mark.parametrize(("language", "page"), CASES)
def test_code_pages(language: str, page: str) -> None:
    """The guess reads the text as it was written; which of two pages that agree on it is of no matter."""
    text = _file(TEXTS[language])
    data = text.encode(page, "strict" if "ґ" not in text.lower() or page != "iso8859-5" else "ignore")
    assert data.decode(_guess(data)) == data.decode(page)


@pytest.mark.parametrize("language", TEXTS)
def test_unicode(language: str) -> None:
    text = _file(TEXTS[language])
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert _guess(text.encode(encoding)) == encoding
    assert _guess(codecs.BOM_UTF16_BE + text.encode("utf-16-be")) == "utf-16"
    assert _guess(text.encode("utf-32")) == "utf-32"


@pytest.mark.parametrize("language", ["german", "french", "polish", "czech", "turkish", "latvian"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark(language: str, encoding: str) -> None:
    assert _guess(_file(TEXTS[language]).encode(encoding)) == encoding


def test_plain_ascii_is_utf8() -> None:
    assert _guess(b"email\nanna@example.com\n") == "utf-8"


@pytest.mark.parametrize("language", TEXTS)
def test_a_sample_may_end_inside_a_character(language: str) -> None:
    data = _file(TEXTS[language]).encode()
    for cut in range(len(data) - 8, len(data)):
        assert reader.sniff(data[:cut], size=len(data) + 1000, known=known_name).encoding == "utf-8"


@pytest.mark.parametrize("encoding", CHOICES)
def test_every_choice_can_be_read(encoding: str, tmp_path: Path) -> None:
    """A person may choose any of them; the copy then holds the text, line by line."""
    alphabet = "".join(TEXTS.values()) + "東京 서울 臺北 שלום مرحبا"
    words = [w for w in sorted(set(alphabet.split())) if _writable(w, encoding)]
    text = "name\n" + "\n".join(words) + "\n"
    source, target = tmp_path / "a.csv", tmp_path / "a.utf8"
    source.write_bytes(text.encode(encoding))
    dialect = reader.changed(Dialect(), encoding=encoding)
    assert dialect.encoding == encoding
    reader.to_utf8(source, target, dialect)
    assert target.read_text(encoding="utf-8-sig") == text
    assert len(words) > 10


def _writable(word: str, encoding: str) -> bool:
    try:
        return word.encode(encoding).decode(encoding) == word
    except UnicodeError:
        return False


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("UTF-8", "utf-8"), ("utf8", "utf-8"), ("windows-1252", "cp1252"), ("latin1", "iso8859-1"), ("ISO-8859-2", "iso8859-2"),
     ("Windows-1251", "cp1251"), ("koi8-u", "koi8-u"), ("UTF_16", "utf-16")],
)  # fmt: skip
def test_names_of_encodings(name: str, encoding: str) -> None:
    assert reader.changed(Dialect(), encoding=name).encoding == encoding


@pytest.mark.parametrize("name", ["rot13", "zip", "hex", "base64", "no-such", "idna", "unicode_escape", "\x00"])
def test_other_codecs_are_refused(name: str) -> None:
    with pytest.raises(FileProblem) as caught:
        reader.changed(Dialect(), encoding=name)
    assert caught.value.code == "encoding_unknown"


# --- damage -----------------------------------------------------------------------------------------------------------


def test_lines_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    lines = [b"email"] + [b"anna@example.com"] * 30
    for i in (4, 9, 20):
        lines[i] = b"j\xfcrgen@example.com"
    path = tmp_path / "a.csv"
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(FileProblem) as caught:
        reader.preview(path, Dialect())
    assert caught.value.code == "encoding_unreadable"
    assert caught.value.facts["lines"] == [5, 10, 21]


def test_at_most_ten_lines_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"email\n" + b"\xff\n" * 30)
    with pytest.raises(FileProblem) as caught:
        reader.to_utf8(path, tmp_path / "b.csv", Dialect(encoding="utf-8"))
    assert caught.value.facts["lines"] == list(range(2, 12))
    assert not (tmp_path / "b.csv").exists()


def test_a_character_that_the_end_of_the_file_cuts(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("email,name\na@example.com,Zoë".encode()[:-1])
    with pytest.raises(FileProblem) as caught:
        reader.plan_units(path, Dialect())
    assert (caught.value.code, caught.value.facts["lines"]) == ("encoding_unreadable", [2])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_damaged_wide_encodings(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("email\nanna@example.com\n".encode(encoding)[:-1])
    with pytest.raises(FileProblem) as caught:
        reader.to_utf8(path, tmp_path / "b.csv", Dialect(encoding=encoding))
    assert caught.value.code == "encoding_unreadable"


def test_guess_never_fails_otherwise() -> None:
    rng, found = random.Random(2), set()
    for _ in range(2000):
        data = bytes(rng.choices(range(256), k=rng.randrange(1, 60)))
        try:
            encoding, sure, _unsure = detect(data, complete=rng.random() < 0.5)
        except FileProblem as problem:
            found.add(problem.code)
        else:
            assert encoding in CHOICES
            assert 0 <= sure <= 1
    assert found <= {"nul_bytes", "encoding_unreadable"}
