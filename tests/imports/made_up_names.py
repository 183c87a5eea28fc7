"""Made-up names with letters beyond ASCII, by language, and lists of them as files in any encoding."""

import random

# First names and surnames; every pair has at least one letter beyond ASCII.
NAMES: dict[str, tuple[str, str]] = {
    "german": (
        "Jürgen Käthe Björn Sören Günter Jörg Bärbel Hänsel Uwe Anna",
        "Müller Schäfer Groß Weiß Jäger Köhler Böhm Krüger Vogt Süß",
    ),
    "french": (
        "Chloé François Hélène Zoé Benoît Loïc Gaël Anaïs Irène Léa",
        "Lefèvre Garçon Dupré Noël Gérard Benoît Crépin Hervé Rivière Côté",
    ),
    "spanish": (
        "José María Íñigo Sofía Ángel Begoña Raúl Inés Óscar Lucía",
        "García Núñez Ibáñez Ramírez Muñoz Peña López Gómez Álvarez Rincón",
    ),
    "portuguese": (
        "João Inês Antônio Luísa Conceição Sebastião Mário Júlia Íris Tomé",
        "Simões Gonçalves Araújo Falcão Brandão Leitão Magalhães Conceição Assunção Galvão",
    ),
    "italian": (
        "Niccolò Noè Zoè Giosuè Carlo Lucia Salomè Mosè Dafne Anna",
        "Libertà Cantù Forlì Fusè D'Angelò Muccì Bonafè Paternò Arnò Canzò",
    ),
    "nordic": (
        "Åsa Björn Märta Linnéa Søren Jørgen Åge Bjørg Håkon Östen",
        "Öberg Sjöström Åkesson Ångström Sørensen Jørgensen Ødegård Skjåk Møller Kjær",
    ),
    "polish": (
        "Łukasz Małgorzata Paweł Błażej Zdzisław Stanisław Bożena Grażyna Józef Michał",
        "Wójcik Żak Dąbrowska Ślusarczyk Król Gałązka Zając Wiśniewska Kępa Łoś",
    ),
    "czech": (
        "Jiří Šárka Tomáš Věra Ondřej Luboš Růžena Zdeněk Matěj Žofie",
        "Dvořák Nováková Růžička Šťastná Žák Černý Kučera Říha Hájek Vaněk",
    ),
    "hungarian": (
        "Ágnes Gábor Zsófia Ödön László Győző Jenő Zoltán Éva Ákos",
        "Szőke Kovács Tóth Fűzfa Kőszegi Erdős Pálfi Gyöngyösi Végh Dévényi",
    ),
    "turkish": (
        "İbrahim Ayşe Oğuz Çağla Ümit Şükrü Gülşen Işıl Çetin Yiğit",
        "Yıldız Çelik Şahin Gündoğdu Öztürk Aydın Kılıç Doğan Güneş Koç",
    ),
    "latvian": (
        "Jānis Līga Kārlis Žanete Ģirts Mārtiņš Ēriks Dāvis Ilzīte Zigrīda",
        "Bērziņš Kalniņa Ozoliņš Šķēle Zariņš Liepiņš Krūmiņa Vītols Ābele Pētersons",
    ),
    "russian": (
        "Иван Мария Пётр Юлия Эдуард Ольга Сергей Наталья Дмитрий Елена",
        "Петров Щукина Жуков Цветкова Хохлов Иванова Смирнов Кузнецова Попов Лебедева",
    ),
    "ukrainian": (
        "Іван Олена Юрій Ганна Євген Оксана Андрій Наталія Олексій Їлля",
        "Петренко Дяченко Їжакевич Кравчук Щербак Шевченко Бондаренко Коваль Лисенко Мельник",
    ),
    "greek": (
        "Γιώργος Μαρία Νίκος Ελένη Κώστας Αγγελική Δημήτρης Σοφία Θανάσης Χρήστος",
        "Παπαδόπουλος Νικολάου Γεωργίου Δημητρίου Ιωάννου Βασιλείου Αντωνίου Οικονόμου Μακρής Καραγιάννης",
    ),
    "japanese": (
        "太郎 花子 健 由美 さくら 大輔 翔太 美咲 恵子 直樹",
        "佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤",
    ),
    "chinese": (
        "伟 芳 娜 秀英 敏 静 丽丽 强 磊 建国",
        "王 李 张 刘 陈 杨 赵 黄 周 吴",
    ),
    "taiwanese": (
        "淑芬 家豪 美玲 志明 雅婷 怡君 俊宏 承恩 佩珊 冠宇",
        "陳 林 黃 張 李 王 吳 劉 蔡 楊",
    ),
    "korean": (
        "민준 서연 지훈 수빈 영희 철수 은지 현우 미경 동현",
        "김 이 박 최 정 강 조 윤 장 임",
    ),
}  # fmt: skip
# Encoding → the languages whose lists are written in it; "mixed" are lists of several Western ones.
_WEST = ("german", "french", "spanish", "portuguese", "italian", "nordic", "mixed")
_CENTRAL = ("polish", "czech", "hungarian", "mixed central")
WRITTEN: dict[str, tuple[str, ...]] = {
    "cp1252": _WEST, "iso8859-1": _WEST, "iso8859-15": _WEST, "mac-roman": _WEST, "cp850": _WEST,
    "cp437": ("german", "spanish", "italian"),
    "cp1250": _CENTRAL, "iso8859-2": _CENTRAL, "cp852": _CENTRAL,
    "cp1251": (
        "russian",
        "ukrainian",
    ), "koi8-r": ("russian",), "koi8-u": ("ukrainian",), "iso8859-5": ("russian",),
    "cp866": ("russian",), "mac-cyrillic": ("russian",), "cp1253": ("greek",), "iso8859-7": ("greek",),
    "cp1254": ("turkish",), "iso8859-9": ("turkish",), "cp1257": ("latvian",), "iso8859-13": ("latvian",),
    "shift_jis": ("japanese",), "gb18030": ("chinese",), "big5": ("taiwanese",), "euc_kr": ("korean",),
}  # fmt: skip
_MIXTURES = {"mixed": _WEST[:-1], "mixed central": ("polish", "czech", "hungarian", "german")}
SIZES = (1, 2, 3, 5, 10, 20)


def people(language: str, count: int, rng: random.Random, *, encoding: str = "utf-8") -> list[str]:
    """Different names of which all have a letter beyond ASCII, and none one that the encoding does not have."""
    found: dict[str, None] = {}
    while len(found) < count:
        first, last = NAMES[rng.choice(_MIXTURES.get(language, (language,)))]
        name = f"{rng.choice(first.split())};{rng.choice(last.split())}"
        if not name.isascii() and name.encode(encoding, "ignore").decode(encoding) == name:
            found[name] = None
    return list(found)


def file_of(names: list[str], encoding: str) -> bytes:
    """The names as a CSV, with an ASCII header and addresses."""
    lines = [f"{name};c{i}@example.com" for i, name in enumerate(names)]
    return "\r\n".join(["first name;last name;email", *lines, ""]).encode(encoding)
