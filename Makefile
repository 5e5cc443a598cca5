# Everything runs in .venv, which `setup` makes from requirements.lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --python-version 3.11 --universal \
	--generate-hashes --no-annotate --custom-compile-command "make lock"
STAMP := $(VENV)/.installed

# The tests start a hundred processes: without bytecode each of them compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

.PHONY: help
help:  ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

.PHONY: setup
setup: $(STAMP)  ## Make .venv from the lock (quick when there is nothing to do)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip check --disable-pip-version-check
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: run
run: setup  ## Start the whole shop with demo data on http://127.0.0.1:8000
	@exec $(BIN)/shop serve --demo

.PHONY: check
check: setup  ## Format, lint, types and import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: test
test: check  ## All checks, then all tests
	$(BIN)/pytest tests/domain tests/application --dist worksteal --cov --cov-fail-under=100
	$(BIN)/pytest --ignore tests/domain --ignore tests/application --ignore tests/clients

CLIENTS := tests/clients/node_modules/.package-lock.json

.PHONY: test-clients
test-clients: setup $(CLIENTS)  ## Try real clients in JavaScript; Node comes along as a wheel
	$(BIN)/pytest tests/clients

$(CLIENTS): requirements-clients.lock tests/clients/package-lock.json
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	cd tests/clients && ./node.sh npm ci
	@touch $@

MINUTES ?= 5

.PHONY: soak
soak: setup  ## Kill everything under load for MINUTES=5, and look whether anything was lost
	$(BIN)/python -m tests.faults.soak --minutes $(MINUTES)

.PHONY: bench
bench: setup  ## All benchmarks, with several rounds (half an hour)
	$(BIN)/python -m benchmarks

.PHONY: bench-quick
bench-quick: setup  ## One short round of most benchmarks (under 2 minutes)
	$(BIN)/python -m benchmarks --quick

.PHONY: format
format: setup  ## Format the code and put right what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: lock
lock: setup  ## Bring the dependencies to their newest versions
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(COMPILE) --group dev --upgrade --output-file requirements.lock
	$(COMPILE) --constraint requirements.lock --output-file requirements-runtime.lock
	$(subst pyproject.toml,,$(COMPILE)) --group clients --upgrade --output-file requirements-clients.lock
