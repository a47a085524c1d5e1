# Two commands on a fresh machine: make demo, make test. With uv when it is there, else with venv and pip.
# Set-up messages go to stderr, so that `make demo | jq` reads JSON only.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV := $(shell command -v uv 2>/dev/null)
# Tests run in parallel; those that need the machine to themselves are marked `alone` and run afterwards.
WORKERS ?= 2

.PHONY: demo test lint check coverage pins bench screenshots docs exporters clean

demo: $(STAMP)
	@if [ -t 0 ] && [ -t 1 ] && [ -t 2 ]; then exec $(BIN)/tputtui demo $(ARGS); else exec $(BIN)/tputtui demo --stream -n 10 $(ARGS); fi

test: lint
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup -m "not alone"
	$(BIN)/python -m pytest -q -m alone

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# Before a commit: everything but simulations, scale tests and real terminals.
check: lint
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup -m "not slow and not alone"

# Without the tests of what a fresh interpreter loads: coverage itself loads modules there.
coverage: $(STAMP)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q -n $(WORKERS) --dist loadgroup -m "not alone" --ignore tests/test_architecture.py
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

$(STAMP): pyproject.toml constraints/dev.txt
	@echo "making $(VENV) with $(if $(UV),uv,venv and pip): once, about a minute" >&2
ifneq ($(UV),)
	@$(UV) venv --quiet --allow-existing --python ">=3.11" $(VENV) >&2
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r constraints/dev.txt >&2
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . >&2
else
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' >&2 || { \
	  echo "tputtui needs Python 3.11 or later; this is $$($(PYTHON) --version). Name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' >/dev/null 2>&1 || { \
	  echo "Python's venv is missing. On Debian and Ubuntu: sudo apt install make python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints/dev.txt >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . >&2
endif
	@# Compiled once: otherwise every start compiles its imports (1.5 s instead of 0.5 s).
	@$(BIN)/python -m compileall -q $(VENV)/lib tputtui >&2 || true
	@touch $@

# Generates the constraints files; only this needs uv. No addresses in them: no index, no find-links.
COMPILE := uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
  --no-emit-index-url --no-annotate
pins:
	$(COMPILE) --group dev --extra compare -o constraints/dev.txt pyproject.toml constraints/build.in
	$(COMPILE) --constraint constraints/dev.txt -o constraints/run.txt pyproject.toml

screenshots: $(STAMP)
	$(BIN)/python screenshots/make.py

docs: $(STAMP)
	$(BIN)/python -c 'from tputtui.settings.settings_reference import render_reference_page as page; print(page(), end="")' > docs/configuration.md
	$(BIN)/python -c 'from tputtui.discovery.discovery_reference import page; print(page(), end="")' > docs/discovery.md

bench: $(STAMP)
	$(BIN)/python bench/exposition.py
	$(BIN)/python bench/cost.py

# Capture tests/data/expositions again: some 15 minutes. Needs a network (Debian's packages, PyPI, npm), Node, and
# root for apt; one program: make exporters ARGS=redis. Not part of any test: the suite reads the captured files.
exporters: $(STAMP)
	nice $(BIN)/python bench/exporters/capture.py --install $(ARGS)

clean:
	rm -rf $(VENV) build dist
