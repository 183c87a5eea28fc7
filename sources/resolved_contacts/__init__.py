"""Contacts that visitors of the sites have turned out to be: which ones are asked for, page by page, and as a file."""
