"""What the API holds of a person: answers that are stored to be given again for a day (contacts.privacy.data_providers)."""

from collections.abc import Sequence

from contacts.extensions import Identifiers, TransferRecord
from tenants.isolation.statements import run

TABLES = ("api_answer",)

# Answers that have one of these texts: an identifier, or the address of a contact's page. The table holds a day.
FORGET = """
DELETE FROM api_answer a WHERE a.tenant_id = %(tenant)s AND EXISTS (
  SELECT 1 FROM unnest(%(texts)s::text[]) t(said) WHERE position(convert_to(t.said, 'UTF8') IN a.content) > 0)"""


def held(_contact_ids: Sequence[int]) -> list[tuple[int, str]]:
    """Nothing that a person would miss."""
    return []


def move(_contact_ids: Sequence[int], *, to: int) -> TransferRecord:
    """Nothing: an answer says what was true when it was given."""
    return {}


def restore(_moved: TransferRecord, *, of: int) -> None:
    """Nothing, as nothing was moved."""


def known(_contact_ids: Sequence[int]) -> list[tuple[str, str]]:
    """Nothing that is not found otherwise."""
    return []


def erase(contact_ids: Sequence[int], identifiers: Identifiers) -> None:
    """Delete the answers that name these people; a request that is sent again with such a key is a new one."""
    pages = [f"/contacts/{pk}/" for pk in contact_ids]
    run(FORGET, texts=[*pages, *(value for _kind, value in identifiers)])
