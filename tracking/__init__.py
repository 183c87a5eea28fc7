"""The pixel: hits, visitors and events, and what mail providers report."""
