# Needs GNU make and Python 3.11 or newer. All else goes into .venv, at the versions of constraints.txt.

PYTHON ?= python3
WORKERS ?= 2
ARGS ?=

VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/installed
# One thread in each test process: tensors in tests are tiny, and more threads than cores only wait for each other.
# Who has nothing left to do takes over half of what is left to another, so that all end at the same time.
PYTEST := OMP_NUM_THREADS=1 $(RUN) -m pytest -n $(WORKERS) --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help install train test test-slow test-all lint bench bench-gpu mutants clean

help: ## show this list
	@echo "make TARGET [VARIABLE=value]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "Variables:"
	@echo "  ARGS       further words for train, test*, bench and mutants: make train ARGS='seed=1 loss=ce'"
	@echo "  PYTHON     interpreter that .venv is made with, 3.11 or newer (now: $(PYTHON))"
	@echo "  WORKERS    test processes side by side (now: $(WORKERS))"

install: $(INSTALLED) ## make .venv and install the project with its development tools (once)
	@echo "Installed in $(VENV)."

train: $(INSTALLED) ## train the quickstart: real encoder, real text, minutes on two cores
	$(RUN) -m polarity.train experiment=quickstart $(ARGS)

test: $(INSTALLED) ## run all tests but the slow ones and the kills
	$(PYTEST) -m "not slow and not faults" --hypothesis-profile=quick $(ARGS)

test-slow: $(INSTALLED) ## run the slow tests, without the kills (half an hour)
	$(PYTEST) -m "slow and not faults" $(ARGS)

test-all: $(INSTALLED) ## run all tests
	$(PYTEST) $(ARGS)

lint: $(INSTALLED) ## check style, formatting and types
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m mypy

bench: $(INSTALLED) ## compare training speed with the Trainer of transformers, side by side
	$(RUN) -m benchmarks.training_speed $(ARGS)

bench-gpu: $(INSTALLED) ## time a whole training of mBERT's size, and its peers; for a GPU
	$(RUN) -m benchmarks.gpu $(ARGS)

mutants: $(INSTALLED) ## put small faults into the code and see whether the tests notice (a quarter of an hour)
	OMP_NUM_THREADS=1 $(RUN) -m benchmarks.mutants $(ARGS)

clean: ## remove caches and build products; runs in outputs/ and .venv stay
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find polarity tests benchmarks -type d -name __pycache__ -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "polarity needs Python 3.11 or newer, but '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)" >&2; \
	  echo "Name another one: make install PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
