# `make` alone prints what there is. Every target sets up what it needs and repeats fast.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
UV_VERSION := 0.13.9
export PYTHONUNBUFFERED := 1
export DO_NOT_TRACK := 1
# Compiled code is kept, whatever the environment says: a start of Prefect or dbt takes twice as long without.
export PYTHONDONTWRITEBYTECODE :=

# SANDBOX=1: the same product against the simulated account, with a home and a database of its own.
TRACKER := $(VENV)/bin/tracker $(if $(SANDBOX),--sandbox)

.PHONY: help demo test up down status login lint bench faults docs report pictures psql check dbt format lock clean install install-dev

help:  ## print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | while IFS=$$'\t' read -r name what; do printf '  make %-9s %s\n' "$$name" "$$what"; done

demo: install  ## the whole product on a simulated account, in about three minutes
	@$(TRACKER) demo $(ARGS)

test: install-dev  ## run every test (real PostgreSQL, simulated Spotify over HTTP)
	@$(PY) -m pytest -n 3 --no-loadscope-reorder $(ARGS)

up: install  ## start database, Prefect (UI, worker) and schedules on this machine (SANDBOX=1: on the simulated account)
	@$(TRACKER) up

down: install  ## stop what `make up` started; the data stays
	@$(TRACKER) down

status: install  ## what runs, and where
	@$(TRACKER) status $(ARGS)

login: install  ## sign in to Spotify in the browser, or by pasting the address (ARGS=--paste)
	@$(TRACKER) login $(ARGS)

check: install  ## the doctor: settings, database, token, Spotify, Prefect, each with its remedy
	@$(TRACKER) check $(ARGS)

psql: install  ## open the database (SANDBOX=1: the simulated account's)
	@$(TRACKER) psql $(ARGS)

dbt: install  ## run dbt on the same database, e.g. make dbt ARGS="build"
	@$(TRACKER) dbt $(ARGS)

report: install  ## write your listening and your years as one HTML file, e.g. make report ARGS="--year 2026"
	@$(TRACKER) report $(ARGS)

pictures: install-dev  ## take the pictures of docs/ from the running UI of the simulated account (make up SANDBOX=1)
	@$(PY) -m demo.pictures

docs: install  ## write the documentation of every table to .local/docs/index.html
	@$(TRACKER) dbt docs generate --static --vars '{unit_tests: false}' --target-path $(CURDIR)/.local/docs/target
	@cp .local/docs/target/static_index.html .local/docs/index.html && echo "Open .local/docs/index.html"

lint: install-dev  ## ruff, mypy, import-linter, dbt-bouncer, sqlfluff
	@$(PY) -m ruff check . && $(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports
	@$(TRACKER) playlists check --blocks
	@$(PY) -m tests.dbt.lint lint

bench: install-dev  ## what is slower than a test: calls per scenario, speed as ratios
	@$(PY) -m tests.bench $(ARGS)

faults: install-dev  ## random histories with faults: nothing lost, doubled or emptied (ARGS="--seeds 0-24")
	@$(PY) -m tests.faults $(ARGS)

format: install-dev  ## let the tools mend what they can
	@$(PY) -m ruff check --fix . ; $(PY) -m ruff format .
	@$(PY) -m tests.dbt.lint fix

lock: $(VENV)/uv  ## renew the locks from requirements.in and requirements-dev.in
	@for name in requirements requirements-dev; do $(VENV)/bin/uv pip compile --universal --python-version 3.11 --no-emit-index-url --custom-compile-command "make lock" --quiet --upgrade $$name.in -o $$name.txt; done

clean: down  ## remove the virtual environment; the data in .local stays
	@rm -rf $(VENV)

install: $(VENV)/installed
install-dev: $(VENV)/installed-dev

# Works where the system's Python comes without ensurepip: the system's pip fills the environment.
$(VENV)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with PYTHON=python3.x")'
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { echo "$(PYTHON) has no pip: install it (Debian, Ubuntu: apt install python3-pip), or name a Python that has it with PYTHON=python3.x" >&2; exit 1; }
	@$(PYTHON) -m venv --without-pip $(VENV)
	@$(PYTHON) -m pip --python $(PY) install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

# the editable install of this folder makes the command `tracker`, which then works from every folder
$(VENV)/installed: requirements.txt pyproject.toml | $(VENV)/uv
	@echo "Installing into $(VENV) …"
	@$(VENV)/bin/uv pip install --quiet --python $(PY) -r requirements.txt
	@$(VENV)/bin/uv pip install --quiet --python $(PY) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	@echo "Installing the development tools into $(VENV) …"
	@$(VENV)/bin/uv pip install --quiet --python $(PY) -r requirements.txt -r requirements-dev.txt
	@touch $@
