"""What a webhook can be told, with an example of each event for the reference and the page."""

from typing import Any, NamedTuple

CONTACT = {"id": 4711, "external_id": "C-004512"}
AT = "2026-11-28T10:15:00Z"


class EventType(NamedTuple):
    """One type of events: its group on the page, what it means, and an example."""

    group: str
    label: str
    example: dict[str, Any]


EVENT_TYPES: dict[str, EventType] = {
    "import.ended": EventType(
        "Imports", "An import has ended: imported, failed or canceled",
        {"import": {"id": 17, "file_name": "people.csv", "status": "imported", "rows": 1200, "created": 1000, "updated": 150,
                    "unchanged": 30, "duplicates": 10, "skipped": 5, "in_error": 5}},
    ),
    "contact.created": EventType("Contacts", "A contact was created", {"contact": CONTACT}),
    "contact.changed": EventType("Contacts", "A contact was changed or restored", {"contact": CONTACT}),
    "contact.deleted": EventType("Contacts", "A contact was deleted, and can be restored", {"contact": CONTACT}),
    "contact.merged": EventType(
        "Contacts", "A contact was merged into another one", {"contact": CONTACT, "merged_into": 4702}
    ),
    "contact.erased": EventType("Contacts", "A contact was erased for good", {"contact": {"id": 4711}}),
    "segment.entered": EventType(
        "Segments", "A contact entered a segment", {"contact": CONTACT, "segment": {"id": 8, "name": "Regulars"}}
    ),
    "segment.left": EventType(
        "Segments", "A contact left a segment", {"contact": CONTACT, "segment": {"id": 8, "name": "Regulars"}}
    ),
    "sync.ended": EventType(
        "Data syncs", "A run of a data sync has ended, or failed",
        {"sync": {"id": 3, "name": "Club members to ads", "run": 12, "kind": "run", "status": "ended", "error": "",
                  "processed": 12480, "added": 40, "changed": 3, "removed": 2, "rejected": 0}},
    ),
}  # fmt: skip
# Sent when somebody asks for it; every webhook takes it.
PING = "ping"
