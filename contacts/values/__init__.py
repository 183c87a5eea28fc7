"""Texts of cells, forms and requests as typed values: identifiers, dates, numbers, vocabularies. Pure.

Nothing here reads the database. Which fields a workspace has is in contacts.fields, what a file calls them in
imports.mapping.guess.
"""
