# Needs only Python (3.10 to 3.13) and make; the environment goes to .venv, and a second call finds it there.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: help demo test test-slow test-all lint docs space wheel bench clean

help:
	@echo "make demo      fit a scan that the package makes, end to end: mesh, field, picture, how good they are"
	@echo "make test      the tests, ten minutes on two cores"
	@echo "make test-all  these, and the slow ones"
	@echo "make lint      ruff, import-linter, mypy"
	@echo "make docs      the manual as pages, into site/; python3 -m http.server -d site serves them"
	@echo "make space     train the space of aircraft that the package ships"
	@echo "make wheel     build the wheel into dist/"
	@echo "make bench     the environment of benchmarks/, with the peers to compare with"
	@echo "make clean     remove the environment and all that was built"

$(VENV)/.base: pyproject.toml constraints.txt tools/environment.py
	@$(PYTHON) tools/environment.py $(VENV) viewer
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	@$(PYTHON) tools/environment.py $(VENV) dev
	@touch $@

$(VENV)/.docs: $(VENV)/.base
	@$(PYTHON) tools/environment.py $(VENV) docs
	@touch $@

$(VENV)/.bench: $(VENV)/.base
	@$(PYTHON) tools/environment.py $(VENV) bench
	@touch $@

demo: $(VENV)/.base
	@$(BIN)/isofield demo --out isofield-demo

# A worker of pytest computes on one thread: with as many threads as cores in each, they would wait for each other.
test test-slow: export OMP_NUM_THREADS = 1

test: $(VENV)/.dev
	$(BIN)/python -m pytest -q -rs -n $(WORKERS)

# Exit status 5 of pytest: no test is marked slow.
test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n $(WORKERS) -m slow || [ $$? -eq 5 ]

test-all: test test-slow

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# No notice about versions of MkDocs to come.
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

space: $(VENV)/.base
	$(BIN)/python tools/space.py

wheel: $(VENV)/.base
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	@ls dist/*.whl

bench: $(VENV)/.bench

clean:
	rm -rf $(VENV) build dist site .cache isofield-demo src/*.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
