"""Who is who: rows of an import become contacts here and nowhere else (docs/identity.md).

Matching, duplicates within a file, exclusions, upsert and revert, each a few statements. Duplicates among contacts that are
stored are in contacts.duplicates and contacts.linkage.
"""
