"""The two file servers, and the keys with which they are known."""
