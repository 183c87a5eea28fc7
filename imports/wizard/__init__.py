"""From upload to start: receive a file, look at its first rows, choose columns, keep drafts and saved mappings."""
