"""Rules: the tree, its fields and operators, the form, the text, and the compiler to a condition in the database.

Who is in a segment is segments.membership.
"""
