"""How the answer of `journeyscript simulate` looks: tables in a terminal, and a page with pictures.

Takes a forecast; computes nothing.
"""
