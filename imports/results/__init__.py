"""What became of an import, for people: progress, outcomes, rows in error and their corrections, downloads, provenance."""
