"""The API for programs, /api/v1/: tokens, one way in for every request, routes, and the document that describes them.

Nothing of what it does is decided here: a route loads, validates, and calls the functions of the apps below that pages use.
"""
