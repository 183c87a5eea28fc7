"""Lookalikes: contacts that resemble those of a list. Features, the model, its proof on hidden people, and the job."""

import os

# One thread: sums are then always of the same order, so that a model can be made again to the last digit, and workers that
# share few cores do not wait for each other. Has to be said before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
