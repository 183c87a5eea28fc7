"""What is done to many contacts at once: selection, steps under a lease, undo, export.

One contact is contacts.profile. Erasing for good is contacts.privacy.
"""
