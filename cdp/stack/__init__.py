"""The whole product as child processes of one command: private servers, start, supervision, what the machine offers.

Nothing here serves a request; in production each process has a container of its own.
"""
