"""Contacts and all that is done with them; the one module that decides who is who is in `contacts.identity`."""
