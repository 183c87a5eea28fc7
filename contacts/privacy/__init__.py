"""What is held of a person, by every app, and erasing it for good.

Each app names what it holds in a module `contact_data`; contacts.privacy.data_providers asks them all.
"""
