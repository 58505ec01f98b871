# `make demo` shows it, `make test` proves it. Each makes .venv and installs what it needs, once.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: help demo test bench accuracy clean

help:
	@echo "make demo    run examples/decisions, then build and run examples/intake"
	@echo "make test    ruff, mypy, pyright and pytest"
	@echo "make bench   measure calls and load beside other tools; half an hour, on a quiet machine"
	@echo "make accuracy DATA=folder   measure the standard library on other people's rows; hours"
	@echo "make clean   delete $(VENV)"
	@echo "With another Python: make demo PYTHON=python3.12"

demo: $(VENV)/installed
	$(BIN)/python examples/decisions/main.py
	$(BIN)/mpc build examples/intake
	$(BIN)/python examples/intake/main.py

test: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/pytest -q

bench: $(VENV)/installed-bench
	$(BIN)/python -m tests.bench

accuracy: $(VENV)/installed-dev
	@test -d "$(DATA)" || { echo "say where the data sets lie: make accuracy DATA=folder" >&2; exit 1; }
	$(BIN)/python -m tests.accuracy escalation "$(DATA)"
	$(BIN)/python -m tests.accuracy page --models --times --labels "$(DATA)"

clean:
	rm -rf $(VENV)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "microprompt needs Python 3.11 to 3.13, and $(PYTHON) is not one: make demo PYTHON=python3.12" >&2; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# The stamps are newer than pyproject.toml once its dependencies are installed.
$(VENV)/installed: $(BIN)/python pyproject.toml
	@$(BIN)/python -c 'import llama_cpp' 2>/dev/null || \
	  echo "Installing. The first build of llama-cpp-python takes about ten minutes and says nothing meanwhile."
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/installed-bench: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@
