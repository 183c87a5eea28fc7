"""Pages about the API: the tokens of a workspace, and the reference for developers."""
