"""Segments with members, rules that describe who is meant, and the smart search."""
