"""Every problem of a file, a row or a cell: its code, what is wrong, and how to fix it. Pure."""
