"""Bytes of an upload to CSV records: archives, encodings, dialects, layouts, splitting. Knows no contact and no mapping.

Workbooks become CSV in imports.workbooks.
"""
