"""Advertising networks on this machine: real servers that speak the documented protocols, make the documented errors, and
remember what they were told."""
