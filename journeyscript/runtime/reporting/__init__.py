"""Accounts of what a store holds: of one customer, of all journeys, of what is wrong.

Reads only, and gives values for the command line to show.
"""
