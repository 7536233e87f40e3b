# make demo | test | lint | bench | accuracy | fuzz | clean. Needs Python 3.11+, a C compiler; makes its own .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(wildcard sizing/*.pyx sizing/*.pxd) setup.py pyproject.toml

.PHONY: demo test lint bench accuracy fuzz clean

$(VENV)/.built: $(SOURCES)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[test]"
	touch $@

lint: $(VENV)/.built
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/cython-lint --max-line-length 120 sizing/*.pyx
	$(BIN)/mypy

test: $(VENV)/.built lint
	$(BIN)/pytest

clean:
	rm -rf $(VENV) build dist *.egg-info sizing/*.so sizing/*.c plan
