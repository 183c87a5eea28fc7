"""The database engine: Django's own for PostgreSQL, whose pages do not wait for a server that answers nothing."""
