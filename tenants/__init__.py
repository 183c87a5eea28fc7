"""Workspaces, their members and roles, and the isolation of their rows."""
