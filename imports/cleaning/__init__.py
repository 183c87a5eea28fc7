"""From the cells of a row to clean values and COPY lines: the hot loop. Pure; nothing here knows the database."""
