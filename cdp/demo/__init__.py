"""The demo workspace: made-up people, visits and history, made by the product's own roads.

Nothing here is imported by what serves; tests and benchmarks use its people and files.
"""
