"""The end of a workspace: closing and reopening it, its data as one file, and its erasure after the time of grace."""
