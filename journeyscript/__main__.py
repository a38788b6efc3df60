"""Runs the command line: `python -m journeyscript`."""

from journeyscript.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
