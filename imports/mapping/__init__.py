"""Which column is which field: known header names, guesses by name and contents, formats of values.

What a person chooses on the page is imports.wizard.column_choices.
"""
