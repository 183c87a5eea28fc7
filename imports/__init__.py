"""The road of a file: reading, mapping, cleaning, the pipeline, its review and its results."""
