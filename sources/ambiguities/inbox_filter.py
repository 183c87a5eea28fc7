"""Which ambiguities are listed: by whom they may be, and by the site or import that they came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, Q

from contacts.listing import search_box
from contacts.models import Contact
from core.parse import parse_id
from imports.models import Import
from segments.rules.id_query import id_query
from sources.models import Ambiguity, AmbiguityState
from tracking.models import Site, Visitor

MOST_CONTACTS, MOST_CHOICES = 200, 50
# Ambiguities with one of these contacts, or with this very identifier, among their candidates. A workspace has few of them
# beside its contacts, so each is looked at.
NAMING = """
SELECT a.id FROM ambiguity a WHERE a.tenant_id = %(tenant)s AND EXISTS (
  SELECT 1 FROM jsonb_array_elements(a.candidates) c
  WHERE (c ->> 'contact')::bigint = ANY(%(contacts)s) OR c ->> 'value' = ANY(%(values)s::text[]))"""


@dataclass(frozen=True)
class InboxFilter:
    """What was asked for: a text, and `site:7` or `import:12`."""

    q: str = ""
    origin: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "InboxFilter":
        """From the address of the page; what cannot be read is left out."""
        kind, _colon, number = given.get("from", "").partition(":")
        known = kind in ("site", "import") and parse_id(number) is not None
        return cls(" ".join(given.get("q", "").replace("\x00", "").split())[:200], given["from"] if known else "")

    @property
    def address(self) -> dict[str, str]:
        """The parameters of the address, those alone that say something."""
        return {name: value for name, value in (("q", self.q), ("from", self.origin)) if value}

    @property
    def link(self) -> str:
        return f"?{urlencode(self.address)}"

    def condition(self, *, region: str | None) -> Q:
        """The ambiguities that are meant."""
        return self._from() & (self._naming(region) if self.q else Q())

    def _from(self) -> Q:
        kind, _colon, number = self.origin.partition(":")
        if kind == "import":
            return Q(import_id=int(number))
        if kind == "site":
            return Q(Exists(Visitor.objects.filter(pk=OuterRef("visitor_id"), site_id=int(number))))
        return Q()

    def _naming(self, region: str | None) -> Q:
        contacts = Contact.objects.living().filter(search_box.condition(self.q, region=region))
        ids = list(contacts.order_by("pk").values_list("pk", flat=True)[:MOST_CONTACTS])
        values = search_box.values(self.q, region=region)
        visitor = parse_id(self.q)
        named = Q(pk__in=id_query(NAMING, contacts=ids, values=sorted(values)))
        return named | (Q(visitor_id=visitor) if visitor is not None else Q())


def origins(state: AmbiguityState) -> list[tuple[str, str]]:
    """The sites and imports that ambiguities of a state came from, as choices."""
    items: Any = Ambiguity.objects.filter(state=state)
    visitors = items.exclude(visitor_id=None).values("visitor_id")
    sites = Site.objects.filter(pk__in=Visitor.objects.filter(pk__in=visitors).values("site_id")).order_by("name")
    imports = Import.objects.filter(pk__in=items.exclude(import_id=None).values("import_id")).order_by("-pk")
    return [
        *((f"site:{site.pk}", site.name) for site in sites[:MOST_CHOICES]),
        *((f"import:{imp.pk}", f"{imp.file_name} (import {imp.pk})") for imp in imports[:MOST_CHOICES]),
    ]
