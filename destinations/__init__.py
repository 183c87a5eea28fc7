"""Data syncs: lists of contacts that are sent to advertising networks and other places, and what was sent there."""
