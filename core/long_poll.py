"""The two names by which the front (cdp.front) asks the application again, for something that has not happened yet."""

# In an answer: it is not what the client waits for, who is ready to wait for so many seconds. No client sees it.
NOT_YET = "X-Not-Yet"
# Set in the environment of a request that is asked again. No client can set it, as its name is not that of a header.
AGAIN = "cdp.again"
# The longest that a client may wait.
MOST_SECONDS = 60
