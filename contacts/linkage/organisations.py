"""Organisations: the name of a company as it is compared, and the addresses that belong to an office. Pure."""

import re

# "and" in the languages of company names; the signs & and + are gone before.
_AND = frozenset({"and", "und", "et", "e", "y", "i", "a", "en", "og", "och", "ja", "un", "ir"})
# Legal forms, and the words beside them. Only those that are no word of a name in another language.
_FORMS = frozenset(
    {"gesellschaft", "gmbh", "mbh", "ggmbh", "ag", "kg", "kgaa", "ohg", "gbr", "ug", "eg", "ev", "ek", "ekfr", "partg",
     "gesmbh", "haftungsbeschrankt", "ltd", "limited", "llc", "llp", "lp", "plc", "inc", "incorporated", "corp",
     "corporation", "co", "company", "cic", "pty", "pte", "pvt", "sia", "as", "uab", "ab", "mb", "ou", "oy", "oyj",
     "srl", "srls", "spa", "sas", "sasu", "sarl", "sa", "snc", "sapa", "eurl", "scop", "sci", "sl", "slu", "sau", "sccl",
     "bv", "nv", "vof", "cv", "bvba", "sprl", "aps", "ivs", "is", "amba", "asa", "ans", "da", "hb", "kb", "ehf", "hf",
     "doo", "dd", "ad", "ood", "eood", "ead", "sro", "spol", "zrt", "kft", "bt", "nyrt", "rt", "spzoo", "zoo", "sp", "spk",
     "ska", "jsc", "ojsc", "pjsc", "cjsc", "oao", "ooo", "zao", "pao", "fop", "tov", "pp", "lda", "ltda", "unipessoal",
     "eireli", "sab", "sapi", "kk", "gk", "sdn", "bhd", "se", "ооо", "оао", "зао", "пао", "ао", "ип", "тов",
     "фоп", "чп", "пп"}
)  # fmt: skip
_LONG = re.compile(
    r"\b(?:gesellschaft mit beschrankter haftung|aktiengesellschaft|kommanditgesellschaft|eingetragener verein"
    r"|sabiedriba ar ierobezotu atbildibu|uzdaroji akcine bendrove|societa (?:a responsabilita limitata|per azioni)"
    r"|societe (?:a responsabilite limitee|anonyme|par actions simplifiee)|sociedad (?:anonima|limitada)"
    r"|besloten vennootschap|naamloze vennootschap|spolka z o o|sp z o o|sp z oo|s r o|d o o)\b"
)
# Words cut short by an apostrophe: int'l, ass'n.
_CUT = re.compile(r"\b(int|nat|ass|gov|dep) (l|n|t)\b")
_SINGLE = re.compile(r"\b(?:\w )+\w\b")
# Words that are often cut short, by the form in which they are compared.
_WORDS = {
    "international": "intl", "internationale": "intl", "int": "intl", "brothers": "bros", "gebruder": "gebr",
    "manufacturing": "mfg", "services": "service", "svcs": "service", "svc": "service", "technologies": "tech",
    "technology": "tech", "technologie": "tech", "technik": "tech", "association": "assn", "assoc": "assn",
    "associates": "assn", "department": "dept", "university": "univ", "universitat": "univ", "saint": "st",
    "sankt": "st", "management": "mgmt", "engineering": "eng", "engrg": "eng", "center": "centre", "ctr": "centre",
    "group": "grp", "gruppe": "grp", "solutions": "solution", "systems": "system", "logistics": "logistic",
    "logistik": "logistic", "consultants": "consulting", "distribution": "distr", "industries": "ind",
    "industrie": "ind", "industry": "ind", "national": "natl", "hospital": "hosp", "institute": "inst",
    "institut": "inst",
}  # fmt: skip
# Local parts of shared addresses.
_OFFICE = frozenset(
    {"info", "office", "contact", "kontakt", "contacto", "contatti", "mail", "email", "post", "hello", "hallo", "hi",
     "sales", "verkauf", "vertrieb", "ventas", "admin", "administration", "support", "service", "help", "reception",
     "empfang", "zentrale", "sekretariat", "secretary", "team", "buero", "buro", "bureau", "accounts", "accounting",
     "buchhaltung", "billing", "invoice", "invoices", "rechnung", "finance", "orders", "order", "bestellung", "shop",
     "store", "marketing", "press", "presse", "hr", "jobs", "career", "karriere", "purchasing", "einkauf", "birojs",
     "kontakti", "enquiries", "inquiries", "general"}
)  # fmt: skip


def name(folded: str) -> str:
    """A company's name, given as words without accents and signs, without its legal form and with words in short forms.

    What is nothing but a legal form stays: it is the name.
    """
    text = _CUT.sub(r"\1\2", _LONG.sub(" ", folded))
    # Letters that stood apart belong together: "g m b h", "j p morgan".
    text = _SINGLE.sub(lambda match: match[0].replace(" ", ""), " ".join(text.split()))
    words = text.split()
    kept = [w for w in words if w not in _FORMS and w not in _AND] or words
    return " ".join(_WORDS.get(w, w) for w in kept) or folded


def office(local: str) -> bool:
    """Is the local part that of a shared address (info, sales2)?"""
    return local.rstrip("0123456789").rstrip("-_.") in _OFFICE


def personal(local: str, company: str) -> bool:
    """Does an address look like one of a person: two names with a sign between, of which the company has none?"""
    parts = re.split(r"[._]", local.rstrip("0123456789"))
    joined = company.replace(" ", "")
    return len(parts) == 2 and all(p.isalpha() and p not in _OFFICE and p not in joined for p in parts)
