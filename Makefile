# Every task of tragt. `make help` lists them; the two of the README come first.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(firstword $(shell command -v python3.11 python3 2>/dev/null) python3.11)
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
NODE_CLIENTS := tests/e2e/node_clients
CODE := services shared migrations tests

FOR ?= 60
FUZZ ?= 600
LOG ?= postgres kafka
TIMES ?= 20

.PHONY: run
run: $(VENV)/.runtime ## Set up and start everything with a demo month; prints addresses, keys and the sign-in link
	@exec $(BIN)/tragt up --demo

.PHONY: test
test: parts $(VENV)/.development $(NODE_CLIENTS)/node_modules/.package-lock.json ## Set up and run the whole test-suite on real parts
	$(BIN)/pytest --numprocesses 2 --dist loadfile $(ARGS)

.PHONY: property
property: $(VENV)/.development ## Try TIMES (20) as many random histories against the plain reference as `make test` does
	TRAGT_EXAMPLES=$(TIMES) $(BIN)/pytest tests/property --timeout 7200 $(ARGS)

.PHONY: check
check: $(VENV)/.development ## Format, lint, types, imports, dead code, spelling, locks, documents
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell
	$(BIN)/python -m pip check --disable-pip-version-check
	$(BIN)/pytest --quiet tests/architecture

.PHONY: format
format: $(VENV)/.development ## Format the code and mend what can be mended
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

.PHONY: benchmark
benchmark: $(VENV)/.development ## Measure all ratios and print the table (QUICK=1 in under 5 minutes)
	QUICK=$(QUICK) $(BIN)/python -m tests.benchmark

.PHONY: chaos
chaos: parts $(VENV)/.development ## Kill everything in turn and count (FOR=seconds, LOG=kafka|postgres); fuzz (FUZZ=seconds)
	$(BIN)/python -m tests.chaos --for $(FOR) $(addprefix --log ,$(LOG))
	$(BIN)/python -m tests.chaos.fuzz --for $(FUZZ)

.PHONY: tracker
tracker: $(NODE_CLIENTS)/node_modules/.package-lock.json ## Make the tracker that browsers load of its readable source
	node $(NODE_CLIENTS)/minify.mjs services/ingest/tracker/tracker.js > services/ingest/tracker/t.js

.PHONY: lock
lock: $(VENV)/.development ## Resolve the newest versions that pyproject.toml and package.json allow
	for extra in "" dev; do \
	  $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-header --no-annotate $${extra:+--extra $$extra} $${extra:+--constraint requirements.lock} \
	    pyproject.toml requirements.in --output-file requirements$${extra:+-$$extra}.lock; \
	done
	cd $(NODE_CLIENTS) && npm install --package-lock-only --ignore-scripts && node without-addresses.mjs

.PHONY: hooks
hooks: $(VENV)/.development ## Let git check the format of what you commit
	$(BIN)/pre-commit install --hook-type pre-commit --hook-type commit-msg

.PHONY: parts
parts: ## Install what the tests need from the system: Java 17, Maven, Node 20, Chromium
	@.ci/parts

.PHONY: clean
clean: ## Remove everything that was made here, the data folder included
	rm -rf $(VENV) .tragt .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage \
	  build *.egg-info $(NODE_CLIENTS)/node_modules
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tragt needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

# A stamp is newer than the lock it was installed from, so a warm start installs nothing. The lock is whole: left to look
# for dependencies pip takes the newest release for an extra (coverage[toml]), finds it without a hash, and ends.
$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(INSTALL) --no-deps --require-hashes --only-binary :all: -r requirements.lock
	$(INSTALL) --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.development: requirements-dev.lock $(VENV)/.runtime
	$(INSTALL) --no-deps --require-hashes --only-binary :all: -r requirements-dev.lock
	touch $@

$(NODE_CLIENTS)/node_modules/.package-lock.json: $(NODE_CLIENTS)/package-lock.json
	cd $(NODE_CLIENTS) && npm ci --ignore-scripts
	touch $@
