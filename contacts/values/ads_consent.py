"""Whether a person agreed that ads may be aimed at them: the values of the field, and the words files use. Pure.

Who was never asked has no value. Of several answers the strictest counts: `denied` before `granted` before none.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from contacts.values.parsers import BadValue
from contacts.values.texts import normal_text
from contacts.values.vocabulary import BOOLEANS

KEY = "ads_consent"
GRANTED, DENIED = "granted", "denied"
OPTIONS: Mapping[str, str] = {GRANTED: "Agreed to ads", DENIED: "Refused ads"}
NEVER_ASKED = "Never asked"
# A format of a column: its cells say that a person refused ("Ads opt-out").
REFUSALS = "refusals"

_GRANTED = """granted|grant|given|agreed|agreed to ads|accepted|allowed|opted in|opt in|optin|consented|consent given
|active"""
_DENIED = """denied|deny|refused|refused ads|declined|rejected|not granted|withdrawn|revoked|opted out|opt out|optout
|objected|unsubscribed|inactive"""
_NOTHING = "unspecified|unknown|not asked|never asked|consent status unspecified|none"
_NO_WORD = re.compile(r"[\W_]+")
_WORDS: dict[str, str | None] = {
    " ".join(word.split()): value
    for value, words in ((None, _NOTHING), (GRANTED, _GRANTED), (DENIED, _DENIED))
    for word in words.split("|")
}
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{9,13}$").match


def reader(*, strict: bool = False, refusals: bool = False) -> Callable[[str], str | None]:
    """A function from trimmed text to the value. With `refusals`, a cell that says yes or holds a date is a refusal, and one
    that says no says nothing. None: the text says nothing. It raises BadValue("not_an_option")."""

    def read(text: str) -> str | None:
        if strict and text in OPTIONS:
            return text
        word = " ".join(_NO_WORD.sub(" ", normal_text(text).casefold()).split())
        said = BOOLEANS.get(word)
        if not strict and said is not None:
            return (DENIED if said else None) if refusals else (GRANTED if said else DENIED)
        if not strict and word in _WORDS:
            return _WORDS[word]
        if refusals and _DATE(text):
            return DENIED
        raise BadValue("not_an_option", options=", ".join(OPTIONS))

    return read


def strictest(values: Iterable[str | None]) -> str | None:
    """The answer that counts where there are several."""
    said = set(values)
    return next((value for value in (DENIED, GRANTED) if value in said), None)
