"""`pytest tests/golden --update-golden` writes the expected outputs anew; read the difference before you commit it."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden outputs instead of comparing them")
