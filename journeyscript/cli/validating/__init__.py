"""What `validate` does beyond checking: which findings are chosen, what is remembered, what is mended, and watching.

`checked` keeps the answer for files that did not change; it can be thrown away at any time.
"""
