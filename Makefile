# make run | make test | make bench — each sets up what it needs first.
SHELL := /bin/bash
VENV ?= .venv
PORT ?= 8501
BIN := $(VENV)/bin
export VENV PYTHON
export PYTHONUTF8 = 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-local setup-dev run test check unit demo-finetune demo-compare bench lint format clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what the app needs into .venv
	@bash scripts/setup.sh requirements.txt

setup-local: setup ## install what training on this machine needs (PyTorch and more, optional)
	@bash scripts/setup.sh requirements-local.txt

setup-dev:
	@bash scripts/setup.sh requirements-dev.txt

run: setup ## start the app (PORT=8501)
	@exec $(BIN)/python -m workbench --port $(PORT)

test: setup-dev ## format check, lint, types and every test
	@bash scripts/browser.sh
	@bash scripts/postgres.sh
	@$(MAKE) --no-print-directory check unit

check:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

unit:
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not browser" --cov --cov-report=term:skip-covered $(ARGS)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m browser $(ARGS)

demo-finetune: setup-local ## train a tiny model here, serve it, and let it write ten pieces
	@exec $(BIN)/python scripts/demo_finetune.py

demo-compare: setup-local ## compare six ways of composing, killed twice on the way, and find what was planted
	@exec $(BIN)/python scripts/demo_compare.py

bench: setup-dev ## measure speed and music against their targets
	@$(BIN)/python -m benchmarks

lint: setup-dev ## mend what ruff can mend, then check types
	$(BIN)/ruff check --fix .
	$(BIN)/mypy

format: setup-dev ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --select I .

clean: ## remove the environment and all caches
	rm -rf $(VENV) .venv.lock .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage* htmlcov
