"""What names and types mean: the catalog, the type checker, the typed expression tree.

Takes what was written, gives what was meant or findings. Knows no machine.
"""
