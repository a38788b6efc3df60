# `make run` and `make test` need Python 3.11 or newer and make, nothing else; uv is used where it is installed.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: run test editor-test check clean

run: $(VENV)/.installed
	$(BIN)/journeyscript run --events samples/events.jsonl

test: $(VENV)/.developed
	$(BIN)/python -m pytest -q -n auto

# The language server that editors use is an npm package, so this needs npm too.
editor-test: $(VENV)/.developed
	npm install --silent --no-audit --no-fund --no-package-lock --prefix tests/editor
	$(BIN)/python -m pytest -q tests/editor

check: $(VENV)/.developed
	PATH="$(abspath $(BIN)):$$PATH" bash .ci/check

clean:
	rm -rf $(VENV) .journeyscript

$(VENV)/bin/python:
	if command -v uv >/dev/null; then uv venv -q --python $(PYTHON) $(VENV); else $(PYTHON) -m venv $(VENV); fi

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	if command -v uv >/dev/null; then uv pip install -q --python $(BIN)/python -e .; \
	else $(BIN)/python -m pip install -q --disable-pip-version-check -e .; fi
	touch $@

$(VENV)/.developed: pyproject.toml $(VENV)/.installed
	if command -v uv >/dev/null; then uv pip install -q --python $(BIN)/python --group dev -e .; \
	else $(BIN)/python -m pip install -q --disable-pip-version-check -U 'pip>=25.1' \
	&& $(BIN)/python -m pip install -q --disable-pip-version-check --group dev -e .; fi
	touch $@
