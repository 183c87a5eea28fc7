"""The two names by which the front (cdp.front) asks the application, before it reads a body, how much of it is taken."""

# Set in the environment of a request that was not read yet: the application answers with LIMIT, the number of bytes that it
# takes, or with its answer, for which it needs no body. No client can set it, as its name is not that of a header.
JUDGE = "cdp.judge"
LIMIT = "X-Takes-Bytes"
