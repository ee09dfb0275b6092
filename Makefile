# Everything runs in .venv, which is made on first use with the versions in constraints.txt and
# brought up to date when they or pyproject.toml change.
#
#   make train ARGS="seed=2 trainer.accelerator=gpu"    ARGS is handed to the command
#   make test PYTHON=python3.12                         PYTHON makes the environment, if there is none yet

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --constraint constraints.txt

define CHECK_PYTHON
import sys
if not (3, 11) <= sys.version_info[:2] < (3, 14):
    sys.exit("ReMIX needs Python 3.11 to 3.13, $(PYTHON) is %d.%d: make PYTHON=python3.11 ..." % sys.version_info[:2])
from importlib.util import find_spec
if not (find_spec("venv") and find_spec("ensurepip")):
    sys.exit("$(PYTHON) has no venv module: install it first (on Debian: apt-get install python3-venv)")
endef
export CHECK_PYTHON

.PHONY: train test test-bounds faults golden lint format docs package ui bench profile clean help

train: .venv/installed  ## train the quickstart experiment
	$(BIN)/remix train experiment=quickstart $(ARGS)

test: .venv/installed-dev  ## run the tests
	$(BIN)/python -m pytest $(ARGS)

test-bounds: .venv/installed-dev  ## run the tests with all indices of the compiled passes checked
	NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=$(CURDIR)/.numba-bounds $(BIN)/python -m pytest $(ARGS)

faults: .venv/installed-dev  ## try faults of all kinds on the product (minutes), ARGS="part=signals case=7 seed=2"
	$(BIN)/python -m tests.faults $(ARGS)

golden: .venv/installed-dev  ## train algorithms for a minute, and see that they learn as they did, ARGS="qmix remix"
	$(BIN)/python -m tests.golden.curves $(ARGS)

lint: .venv/installed-dev  ## check style, formatting, types and which part imports which
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/installed-dev  ## format the code and fix what ruff can fix
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: .venv/installed  ## build the site into site/, to be read without a network
	@$(PIP_INSTALL) --editable ".[docs]"
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "Open site/index.html"

package: .venv/installed  ## build what is released into dist/, and check it
	@$(PIP_INSTALL) --editable ".[release]"
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*

ui: .venv/installed  ## browse the runs with MLflow
	$(BIN)/remix ui $(ARGS)

bench: .venv/installed-dev  ## run the benchmarks
	$(BIN)/python -m tests.benchmarks $(ARGS)

profile: .venv/installed-dev  ## show where the time of training goes
	$(BIN)/python -m tests.benchmarks.profile $(ARGS)

clean:  ## delete .venv, caches and builds; runs stay
	rm -rf .venv build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .numba-bounds
	find . -name __pycache__ -prune -exec rm -rf {} +

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# One that is there keeps its Python, whatever is asked for; better said than done silently.
ifeq ($(origin PYTHON), command line)
ifneq ($(wildcard $(BIN)/python),)
$(info .venv exists and keeps its Python, $(shell $(BIN)/python -V); PYTHON=$(PYTHON) counts after make clean)
endif
endif

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "ReMIX needs Python 3.11 to 3.13, $(PYTHON) is not found: make PYTHON=python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -c "$$CHECK_PYTHON"
	@$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing ReMIX into .venv (takes minutes the first time)"
	@$(PIP_INSTALL) --editable .
	@touch $@

.venv/installed-dev: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing ReMIX and its test tools into .venv (takes minutes the first time)"
	@$(PIP_INSTALL) --editable ".[dev]"
	@touch .venv/installed $@
