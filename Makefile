# Needs Python >= 3.11 and nothing else; everything it installs goes into .venv.
# ARGS are handed on: make up ARGS="--port 8123 --data-dir /srv/zhian"

ARGS ?=
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help up test check bench advisories clean

help: ## Show the targets
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/'

up: $(READY) ## Start everything with demo data (Ctrl-C stops it)
	@$(BIN)/zhian graphiql & exec $(BIN)/zhian up --demo $(ARGS)

test: $(READY) ## Run every test
	@exec $(BIN)/pytest -n auto --dist worksteal $(ARGS)

check: $(READY) ## Lint, format, types, imports, architecture, schema drift
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/architecture
	$(BIN)/zhian schema --check

bench: $(READY) ## Run benchmarks: make bench ARGS="ingest --quick"
	@exec $(BIN)/zhian bench $(ARGS)

advisories: $(READY) ## Ask for known weaknesses, withdrawn and overdue releases of everything locked
	@exec $(BIN)/zhian components $(ARGS)

clean: ## Remove the environment and caches; data in .zhian stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(READY): pyproject.toml uv.lock .ci/environment
	@sh .ci/environment
