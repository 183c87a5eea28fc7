"""One contact: its form, edits, quick actions, undo and timeline.

Many contacts at once are contacts.bulk; what imports write goes through contacts.identity.
"""
