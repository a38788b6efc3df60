"""Recorded histories through the versions of a changed journey: who would have gone another way.

Takes a store, which is only read, and changes; gives counts and a customer who shows it. Nothing is moved or sent.
"""
