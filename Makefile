# Two commands do everything: `make reproduce` and `make test`. Both make their own virtual
# environment in .venv; nothing outside this folder is changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Tests run in parallel processes; each keeps to one thread of BLAS and numba.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=1
JOBS ?= 2
FAST ?=

.DEFAULT_GOAL := help
.PHONY: help reproduce test lint docs compatibility bench wheel clean python

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  PYTHON=...         the Python to use, 3.11 or newer (now: $(PYTHON))"

reproduce: $(VENV)/.core  ## run every notebook, compare published with measured, write build/reproduce
	$(BIN)/astrokit reproduce --output build/reproduce $(if $(FAST),--fast)

test: lint  ## format, lint, types, and all tests
	$(ONE_THREAD) $(BIN)/python -m pytest -q -n $(JOBS)

lint: $(VENV)/.test  ## format, lint and types only
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(VENV)/.docs  ## build the documentation in build/docs and check its links
	rm -rf docs/api/generated
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	$(BIN)/python docs/check_links.py build/docs
	@echo "build/docs/index.html"

compatibility: $(VENV)/.test  ## install sdist and wheel with the oldest and newest dependencies, and test
	ASTROKIT_COMPATIBILITY=1 $(ONE_THREAD) $(BIN)/python -m pytest -q -rs tests/test_compatibility.py

bench: $(VENV)/.peers  ## print the table of speed ratios against other packages
	$(BIN)/python -m benchmarks $(if $(FAST),--fast)

wheel: $(VENV)/.test  ## build dist/astrokit-*.whl
	$(BIN)/python -m build --wheel --outdir dist .

clean:  ## remove what these commands made
	rm -rf $(VENV) build dist docs/notebooks docs/api/generated

$(VENV)/.core: pyproject.toml | python
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "No virtual environment could be made; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing astrokit and what it needs into $(VENV) (the first time takes a minute or two)"
	$(PIP) --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.core
	$(PIP) --editable '.[test]'
	@touch $@

$(VENV)/.peers: $(VENV)/.core
	$(PIP) --editable '.[peers]'
	@touch $@

$(VENV)/.docs: $(VENV)/.core
	$(PIP) --editable '.[docs]'
	@touch $@

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "astrokit needs Python 3.11 or newer, and '$(PYTHON)' is" \
	    "'$$($(PYTHON) --version 2>/dev/null || echo not found)'. Name another one:" \
	    "make PYTHON=/path/to/python3.11 ..."; exit 1; }
