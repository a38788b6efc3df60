"""A batch of inputs to a set of changes: who is touched is loaded, the engine is asked, what it answers is kept.

Everything a live run, a replay, a simulation and a test have in common happens here, and only here.
"""
