"""The commands: a thin layer that reads arguments, calls the package, and shows what it answers.

Nothing is decided here. Heavy imports live inside the command that needs them, so that `--help` is instant.
"""
