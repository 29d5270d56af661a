# `make run` and `make test` set everything up on a fresh machine and are quick the second time.
# They need Python 3.11 or newer, and a package index for the first set-up; nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OUTPUT := output
# A file of tests stays in one process: its runs share what they set up.
PYTEST_FLAGS ?= --numprocesses auto --dist loadfile

.PHONY: help run test check format docs bench state clean

help: ## show this
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "planwise needs Python 3.11 or newer; give one with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/python -m compileall -q planwise plugins  # as pip does with all but editable installs
	@touch $@

run: $(STAMP) ## the main job: 10,000 people, five years, a report
	@mkdir -p $(OUTPUT)
	@test -f $(OUTPUT)/census.csv || \
	  $(BIN)/planwise census generate --employees 10000 --seed 42 --output $(OUTPUT)/census.csv
	$(BIN)/planwise simulate --config config/simulation_config.yaml --census $(OUTPUT)/census.csv \
	  --years 2025-2029 --database $(OUTPUT)/simulation.duckdb --output $(OUTPUT)/results.json

test: $(STAMP) ## all tests
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

check: $(STAMP) ## lint, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(STAMP) ## format in place
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

docs: $(STAMP) ## the reference of the hooks in docs/plugins.md, from their source
	$(BIN)/python -m tools.hook_reference

bench: $(STAMP) ## what each plugin is worth on this machine
	$(BIN)/python benchmarks/toggles.py

state: $(STAMP) ## what a stored state takes, in each way to store it
	$(BIN)/python benchmarks/state.py

clean: ## remove what the targets made
	rm -rf $(VENV) $(OUTPUT) build dist
