"""Contacts that share an identifier, merging them, which value survives, and taking a merge apart again.

Contacts that are only probably one person are found by contacts.linkage.
"""
