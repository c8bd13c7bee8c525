PYTHON ?= python3
PORT ?= 8400
export PORT
BIN := .venv/bin

.PHONY: demo install test test-workers lint docs faults fuzz bench

demo: .venv/.base
	$(BIN)/licet demo

install: .venv/.base
	@echo "Licet is installed: .venv/bin/licet"

test: .venv/.dev
	deploy/test-tools
	$(BIN)/python -m compileall -q contracts api portal
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

test-workers: .venv/.dev
	deploy/test-tools
	TEST_WORKERS=2 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

faults: .venv/.dev
	FAULT_ROUNDS=100 CUT_TRIES=1000 $(BIN)/pytest -m faults --timeout 3600

fuzz: .venv/.dev
	FUZZ_EXAMPLES=200 FUZZ_SEED=$$(date +%s) REFERENCE_EXAMPLES=300 $(BIN)/pytest --timeout 1800 tests/clients/test_openapi.py tests/contracts/access/test_reference.py

bench: bench-page

bench-%: .venv/.dev
	PYTHONPATH=. $(BIN)/python -m bench.$*

docs: .venv/.dev
	PYTHONPATH=. $(BIN)/python docs/generate.py

lint: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.venv/.base: deploy/requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Licet needs Python 3.11 or newer; name one, as in: PYTHON=python3.12 make demo" if sys.version_info < (3, 11) else 0)'
	@echo "Installing Licet and what it needs into .venv. This takes about a minute."
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r deploy/requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

.venv/.dev: .venv/.base deploy/requirements-dev.txt deploy/requirements-samples.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r deploy/requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r deploy/requirements-samples.txt
	touch $@
