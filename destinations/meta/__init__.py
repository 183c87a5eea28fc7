"""Custom audiences of Meta, by the Marketing API."""
