"""What `journeyscript test` does beside running tests: coverage, and tests that are written, recorded and updated.

Each module belongs to one option of the command.
"""
