"""A CSV file in a bucket or on a server, always complete."""
