# make demo | test | lint | bench | accuracy | fuzz | clean
# Needs Python 3.11 or newer and a C compiler; makes its own .venv. As root on Debian or Ubuntu it also
# installs a few system packages (tools/system_packages.sh); elsewhere it says which are missing.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := PYTHONWARNINGS=ignore $(BIN)/pip --disable-pip-version-check --quiet
KERNELS := $(wildcard sizing/*.pyx sizing/*.pxd) setup.py

.PHONY: demo test lint bench accuracy fuzz clean

demo: $(VENV)/.built
	@$(BIN)/python -m canalfit plan sample_scans/femur --bone femur --side right --resect-at 120 --out plan --force; \
	status=$$?; [ $$status -eq 0 ] || [ $$status -eq 10 ]

test: lint $(VENV)/.tools build/checked/.built
	$(BIN)/pytest -n 2 --dist loadfile --max-worker-restart 0
	CANALFIT_CHECKED_BUILD=1 $(BIN)/pytest -m kernel -o pythonpath=build/checked

lint: $(VENV)/.built $(VENV)/.tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/cython-lint --max-line-length 120 sizing/*.pyx
	$(BIN)/mypy

bench: $(VENV)/.built $(VENV)/.tools
	@status=0; for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || status=1; done; exit $$status

accuracy: $(VENV)/.built $(VENV)/.tools
	@status=0; for script in benchmarks/accuracy_*.py; do echo "== $$script"; $(BIN)/python $$script || status=1; done; exit $$status

fuzz: $(VENV)/.built $(VENV)/.tools
	@status=0; for script in benchmarks/fuzz_*.py; do echo "== $$script"; $(BIN)/python $$script || status=1; done; exit $$status

clean:
	rm -rf $(VENV) build dist plan *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -f sizing/*.so sizing/*.c

# The runtime, then the kernels in place (again whenever a kernel changes), then what tests and lint need.
$(VENV)/.installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "canalfit needs Python 3.11 or newer, and none was found"; exit 1; }
	@tools/system_packages.sh run
	@echo "making $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "python cannot make environments here: install python3-venv"; exit 1; }
	@$(PIP) install --upgrade pip
	@$(PIP) install "setuptools>=77" "Cython>=3.1,<4" "numpy>=2.0"
	@$(PIP) install --no-build-isolation --editable .
	@touch $@

$(VENV)/.built: $(VENV)/.installed $(KERNELS)
	@$(BIN)/python setup.py -q build_ext --inplace >build.log 2>&1 || { cat build.log; exit 1; }
	@rm -f build.log; touch $@

$(VENV)/.tools: $(VENV)/.installed
	@tools/system_packages.sh test
	@$(PIP) install $$($(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["test"])')
	@touch $@

# The same sources with bounds checks, in a folder of their own.
build/checked/.built: $(VENV)/.built $(wildcard sizing/*.py sizing/*/*.py)
	@SIZING_CYTHON_DEBUG=1 $(BIN)/python setup.py -q build --build-base build/debug --build-lib build/checked >build.log 2>&1 \
		|| { cat build.log; exit 1; }
	@rm -f build.log; touch $@
