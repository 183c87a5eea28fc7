"""Schemathesis over the whole document, against the product as it is served."""
