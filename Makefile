# The commands of the project. `make demo` and `make test` work on a fresh machine with Python 3.11 and make.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
SHELL  := /bin/bash
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test quick lint format bench prove oracles clean help

help:            ## say what there is
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/mediacreator: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt -e .
	@touch $@

$(VENV)/.test: $(BIN)/mediacreator
	$(BIN)/pip install -q -c constraints.txt -e '.[test,dev]'
	@touch $@

demo: $(BIN)/mediacreator  ## make patient.iso from one patient of samples/ and show what is on it
	$(BIN)/mediacreator create samples/patient1 -o patient.iso --force
	@echo
	@echo "What is on the medium:"
	$(BIN)/mediacreator list patient.iso
	@echo
	@echo "The medium, read again and compared with its receipt:"
	$(BIN)/mediacreator verify patient.iso

oracles: ## install the Debian packages whose programs judge what we make
	.ci/install-oracles

test: $(VENV)/.test oracles  ## everything that tests need, then all tests
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not slow' --cov --cov-report=term:skip-covered $(ARGS)

quick: $(VENV)/.test  ## tests without the oracles
	$(BIN)/python -m pytest -n 2 --dist worksteal tests/unit tests/golden $(ARGS)

$(VENV)/.fuzz: $(VENV)/.test
	$(BIN)/pip install -q -c constraints.txt -e '.[fuzz]' || echo "atheris cannot be had here: fuzzing will be random"
	@touch $@

prove: $(VENV)/.test $(VENV)/.fuzz oracles  ## the longer proofs
	.ci/install-oracles kernel
	$(BIN)/python -m pytest -m slow $(ARGS)

lint: $(VENV)/.test  ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.test  ## tidy the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test oracles  ## speed and memory against the peers, JSON in benchmarks/results/
	$(BIN)/python -m benchmarks

clean:           ## remove what these commands made
	rm -rf $(VENV) patient.iso patient.iso.receipt.json build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis benchmarks/results benchmarks/data
