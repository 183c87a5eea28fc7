"""The account of a person: second factor, browsers it is signed in with, its e-mail address (docs/accounts.md).

What a workspace asks of accounts is tenants.second_factor, which the middleware uses.
"""
