# Everything runs in .venv, which `setup` makes from requirements.lock; VENV=/another/folder where
# this one cannot be written to.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Nothing is resolved, so that no later release can be in the way. Nothing is compiled; where a
# wheel is missing and a compiler is not: WHEELS=
WHEELS ?= --only-binary=:all:
INSTALL := $(PIP) install --quiet --no-user --no-deps --require-hashes $(WHEELS)
UV := $(BIN)/uv pip
COMPILE := $(UV) compile pyproject.toml --quiet --python-version 3.11 --universal \
	--generate-hashes --no-annotate --custom-compile-command "make lock"
# What the lock has wheels for, which `make lock` tries; pyproject.toml and the README say the same.
PYTHONS := 3.11 3.12 3.13 3.14
NEXT_PYTHON := 3.15
PLATFORMS := x86_64-manylinux_2_28 aarch64-manylinux_2_28 aarch64-apple-darwin
DOWNLOAD := $(UV) install --quiet --only-binary :all: --no-deps --require-hashes -r requirements.lock
STAMP := $(VENV)/.installed
# An installation is good for one folder and one Python; 0.1.0 did not note down which.
HERE := $(CURDIR) $(shell $(BIN)/python --version 2>/dev/null)
ELSEWHERE := $(filter-out $(HERE),$(shell cat $(STAMP) 2>/dev/null))

# Node and Playwright come along as wheels, for whoever builds the pages or runs the tests.
TOOLS := $(VENV)/.tools
NODE := web/node.sh
CLIENTS := tests/clients/node_modules/.package-lock.json
PAGES := web/node_modules/.package-lock.json
# Elsewhere than on Linux the tests look for one that is installed.
BROWSER := $(if $(filter Linux-x86_64,$(shell uname -sm | tr ' ' -)),$(VENV)/browser/fonts.conf)

# The tests start a hundred processes: without bytecode each of them compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE
# What was installed for another Python would hide what is installed here.
unexport PYTHONPATH PYTHONHOME

ifneq ($(words $(VENV)),1)
$(error VENV must be one folder, without spaces: "$(VENV)")
endif
ifneq ($(ELSEWHERE),)
.PHONY: $(STAMP)
endif

.DEFAULT_GOAL := help

.PHONY: help
help:  ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

.PHONY: setup
setup: $(STAMP)  ## Make .venv from the lock (quick when there is nothing to do)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 15) or sys.exit( \
		"Python 3.11 to 3.14 is needed, this is %d.%d: set PYTHON=/path/to/python" % sys.version_info[:2])'
	@test -z "$(ELSEWHERE)" && $(PIP) --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || \
		{ echo "No environment can be made in $(VENV): install python3-venv, or set VENV=/another/folder"; exit 1; }
	$(INSTALL) -r requirements.lock
	@$(BIN)/python -I -c 'import hatchling' || \
		{ echo "pip has installed elsewhere: target, prefix or root is set in PIP_… or pip.conf"; exit 1; }
	$(PIP) check
	$(PIP) install --quiet --no-user --no-deps --no-build-isolation -e .
	@echo "$(CURDIR) `$(BIN)/python --version`" > $@

.PHONY: run
run: setup  ## Start the whole shop with demo data on http://127.0.0.1:8000
	@exec $(BIN)/shop serve --demo

.PHONY: check
check: $(TOOLS)  ## Format, lint, types and import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: test
test: check $(BROWSER)  ## All checks, then all tests
	$(BIN)/pytest tests/domain tests/application --dist worksteal --cov --cov-fail-under=100
	$(BIN)/pytest --ignore tests/domain --ignore tests/application --ignore tests/clients

$(TOOLS): requirements-clients.lock $(STAMP)
	$(INSTALL) -r $<
	@touch $@

.PHONY: test-clients
test-clients: $(CLIENTS)  ## Try real clients in JavaScript
	$(BIN)/pytest tests/clients

$(CLIENTS): tests/clients/package-lock.json | $(TOOLS)
	cd tests/clients && ../../$(NODE) npm ci
	@touch $@

$(PAGES): web/package-lock.json | $(TOOLS)
	cd web && ../$(NODE) npm ci
	@touch $@

$(VENV)/browser/fonts.conf: web/browser/package-lock.json web/browser/unpack.mjs | $(TOOLS)
	cd web/browser && ../../$(NODE) npm ci && ../../$(NODE) node unpack.mjs "$(abspath $(@D))"

# A build that fails leaves its output behind: only a whole one gets the name that is served.
.PHONY: web
web: check-web  ## Build the shop's pages into api/web, as they are committed
	cd web && ../$(NODE) node node_modules/vite/bin/vite.js build --outDir new --emptyOutDir --logLevel warn
	cd web && ../$(NODE) node tools/finish.mjs new
	rm -rf api/web && mv web/new api/web

.PHONY: check-web
check-web: $(PAGES)
	cd web && ../$(NODE) node node_modules/.bin/graphql-codegen --config codegen.ts --silent
	cd web && ../$(NODE) node node_modules/.bin/oxlint --deny-warnings
	cd web && ../$(NODE) node node_modules/typescript/bin/tsc

.PHONY: web-dev
web-dev: $(PAGES)  ## Show the pages as they are written, with the shop at SHOP_URL
	cd web && ../$(NODE) node node_modules/.bin/graphql-codegen --config codegen.ts --silent
	cd web && ../$(NODE) node node_modules/vite/bin/vite.js

.PHONY: screenshots
screenshots: setup $(BROWSER)  ## Picture every screen into docs/screens
	$(BIN)/python -m tests.web.screens docs/screens

.PHONY: test-web
test-web: check-web  ## Try the logic of the pages, without a browser
	cd web && ../$(NODE) node node_modules/vitest/vitest.mjs run

.PHONY: mutants
mutants: setup  ## Change the rules in one place at a time: a test must fail each time (20 minutes)
	$(INSTALL) -r requirements-mutants.lock
	$(BIN)/python -m mutmut run
	$(BIN)/python -m mutmut results

.PHONY: test-setup
test-setup: setup  ## Install with old and new pips, on unlike machines (needs a package index)
	$(BIN)/pytest tests/setup -m network -n 0

.PHONY: test-slow
test-slow: setup  ## What `make test` takes samples of: crashes at each statement of the long stories
	$(BIN)/pytest -m slow --dist load

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

.PHONY: picture
picture: setup  ## Draw docs/imports.svg from the imports
	$(BIN)/python docs/draw_imports.py

.PHONY: format
format: setup  ## Format the code and put right what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: lock
lock: setup  ## Bring the dependencies to their newest versions
	$(PIP) install --quiet --no-user uv
	$(COMPILE) --group dev --upgrade --output-file requirements.lock
	$(COMPILE) --constraint requirements.lock --output-file requirements-runtime.lock
	$(subst pyproject.toml,,$(COMPILE)) --group clients --upgrade --output-file requirements-clients.lock
	$(subst pyproject.toml,,$(COMPILE)) --group mutants --constraint requirements.lock \
		--output-file requirements-mutants.lock
	$(MAKE) try-lock

.PHONY: try-lock
try-lock:  ## Download what the lock has for every Python and platform (needs uv)
	@set -e; folder=`mktemp -d`; trap 'rm -rf "$$folder"' EXIT; \
	for python in $(PYTHONS); do for platform in $(PLATFORMS); do \
		echo "Python $$python, $$platform"; rm -rf "$$folder/wheels"; \
		$(DOWNLOAD) --python-version $$python --python-platform $$platform --target "$$folder/wheels"; \
	done; done; \
	if $(DOWNLOAD) --python-version $(NEXT_PYTHON) --dry-run --target "$$folder/next" 2>/dev/null; then \
		echo "Python $(NEXT_PYTHON) has all wheels now: raise the ceiling"; fi
