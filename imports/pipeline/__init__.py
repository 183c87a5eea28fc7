"""An import's life from parse to finish: transitions, units of work, workers, review and undo.

`imports.phases` tells the whole of it on one page. What people see of an import afterwards is imports.results.
"""
