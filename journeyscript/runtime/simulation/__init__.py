"""Simulations: a population through a project's journeys on virtual time, on the path that production takes.

Takes a project and a population; gives a forecast. Nothing is delivered, and no chance is drawn but by hash.
"""
