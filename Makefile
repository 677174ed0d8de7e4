# Everything that a developer or a new user types. `make` alone lists the targets.
# Respected: PYTHON (interpreter >= 3.11), VENV (app environment), PRESEND_HOME (data, engine, model), ARGS.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=

BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --disable-pip-version-check --quiet --quiet

.DEFAULT_GOAL := help
.PHONY: help serve test check lint bench clean engine

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(VENV)/.installed ## Start everything on this machine: Postgres, API, judge model (Ctrl-C stops it)
	@$(BIN)/presend up $(ARGS)

test: $(VENV)/.installed-dev engine ## Every test, those with the real engine included
	@$(BIN)/python -m pytest --ignore=tests/benchmarks $(ARGS)

check: lint test ## What CI runs: lint, then test

lint: $(VENV)/.installed-dev ## Style, types and import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.installed-dev engine ## Benchmarks, with the figures that they print
	@$(BIN)/python -m pytest tests/benchmarks -q -s $(ARGS)

engine: $(VENV)/.installed ## Install the engine and prepare the model (kept in PRESEND_HOME)
	@$(BIN)/presend model prepare

clean: ## Remove the app environment and caches; data, engine and model in PRESEND_HOME stay
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Presend needs Python 3.11 or newer; name one with PYTHON=..." >&2; exit 1; }
	@echo "Making the app environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) \
		|| { rm -rf $(VENV); echo "python -m venv failed; on Debian and Ubuntu it needs python3-venv" >&2; exit 1; }

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo "Installing Presend into $(VENV) (a minute or two)"
	@$(PIP) -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	@echo "Installing Presend and its development tools into $(VENV) (a minute or two)"
	@$(PIP) -e '.[dev]'
	@touch $(VENV)/.installed $@
