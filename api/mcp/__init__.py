"""Tools for assistants, by the Model Context Protocol: looking, and writing by plan → confirm → run → undo.

A tool does nothing itself: it calls the API (api.mcp.calls) with the token of whoever connects, so that scopes, limits,
audit and errors are those of the API. Personal values are masked unless the token may export contacts (api.mcp.masking).
"""
