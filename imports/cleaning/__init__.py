"""Cells of a row to clean values and lines of COPY text: the hot loop. Pure; nothing here knows the database."""
