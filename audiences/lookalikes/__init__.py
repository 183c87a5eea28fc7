"""Lookalikes: contacts that resemble those of a list. Features, the model, its proof on hidden people, and the job."""
