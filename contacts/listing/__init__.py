"""Lists of contacts: the query, search box, filters and columns.

Pages are in contacts.views; rules are compiled by segments.
"""
