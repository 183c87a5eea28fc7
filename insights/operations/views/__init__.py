"""Pages of operations, what can be done there, and checks for programs."""
