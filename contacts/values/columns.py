"""The core columns of a contact, defined once: labels, the column that goes with each, and which identify a person."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CoreColumn:
    """`companion`: another form of the value (as it was written, or as it is searched for), changed together with it.
    `rank`: the place among the identifiers, 1 decides first."""

    key: str
    label: str
    companion: str | None = None
    rank: int | None = None


# In the order in which files and pages show them.
CORE_COLUMNS = (
    CoreColumn("email", "E-mail", "email_written", 2),
    CoreColumn("phone", "Phone", "phone_written", 3),
    CoreColumn("external_id", "External ID", None, 1),
    CoreColumn("first_name", "First name", "first_key"),
    CoreColumn("last_name", "Last name", "last_key"),
)
LABELS: dict[str, str] = {column.key: column.label for column in CORE_COLUMNS}
COMPANIONS: dict[str, str] = {column.key: column.companion for column in CORE_COLUMNS if column.companion}
# Each column, followed by its companion.
WITH_COMPANIONS: tuple[str, ...] = tuple(
    name for column in CORE_COLUMNS for name in (column.key, column.companion) if name
)
SHOWN_IDENTIFIERS: tuple[str, ...] = tuple(column.key for column in CORE_COLUMNS if column.rank)
# In the order in which they decide who a row is, unless a workspace has chosen another one (identity, rule 2).
IDENTIFIERS: tuple[str, ...] = tuple(
    column.key for column in sorted(CORE_COLUMNS, key=lambda column: column.rank or 9) if column.rank
)
