"""The identifiers of a contact, defined once."""

# In the order in which they decide who a row is, unless a workspace has chosen another one (identity, rule 2).
IDENTIFIERS: tuple[str, ...] = ("external_id", "email", "phone")
# In the order in which files and pages show them.
SHOWN_IDENTIFIERS: tuple[str, ...] = ("email", "phone", "external_id")
