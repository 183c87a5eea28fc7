"""How long each kind of data is stored: a rule per kind and workspace, what it would remove, and the job that removes it.

Apps name their kinds in settings.RETENTION; each says how its rows are counted and removed.
"""
