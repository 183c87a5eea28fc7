"""The guides of docs/guides in the product: read from their Markdown, with a search over their sections."""
