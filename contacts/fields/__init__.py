"""The fields that a workspace gives its contacts: add, rename, archive, change type.

How a type reads a text is contacts.values.
"""
