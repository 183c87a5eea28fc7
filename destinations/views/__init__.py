"""Pages of data syncs and of what they send to."""
