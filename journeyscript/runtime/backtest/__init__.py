"""Backtests: what did happen, through the journeys as they are now; who would have received what, and who did.

Takes a project and events, from a store or a recording; gives a comparison of two stores. Nothing is delivered.
"""
