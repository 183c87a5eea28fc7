"""Members of an audience for ads whom a data sync does not send, because another contact with one of their addresses has
refused: consent belongs to the address (contacts.consent.ads_consent)."""

from audiences import definition as definitions
from audiences.definition import FORCED, Definition
from contacts.consent import ads_consent
from contacts.models import Contact
from segments.copies import named_parameters
from segments.rules import compiler
from segments.rules.tree import RuleError
from tenants.isolation.statements import fetch, fill, hash_joins

# Counts those of an audience who may be sent. Runs for the page of an audience and for programs: each side is read once.
PERMITTED = """
SELECT count(*) FROM ({inside}) i(id) JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = i.id WHERE {permitted}"""


def permitted(definition: Definition, use: str) -> int | None:
    """How many contacts of an audience may be sent to a network for ads, now; None for one that is not for ads, and for one
    whose lists do not all exist any more: who is in it cannot be worked out."""
    if use not in FORCED or not definition.include:
        return None
    try:
        meant = compiler.compile_rule(definitions.rule_of(definition, use), compiler.context())
    except RuleError:
        return None
    inside, values = named_parameters(Contact.objects.living().filter(meant).order_by().values("pk"))
    with hash_joins():
        return int(fetch(fill(PERMITTED, inside=inside, permitted=ads_consent.permitted("c")), **values)[0][0])
