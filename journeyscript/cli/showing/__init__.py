"""How answers look: as sentences, tables and pictures for people, as JSON and what other programs read.

Takes values, gives text; asks nobody, and ends no command.
"""
