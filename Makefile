# Two commands do everything: `make nightly` runs the night, `make test` the tests. Both set up what they need.
.DEFAULT_GOAL := help
BIN := .venv/bin

DAY ?=
SCALE ?= demo
SEED ?= 1
RECORDS ?=
FAULT ?=
PORT ?= 8080

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

setup: .venv/.stamp ## the environment in .venv, exactly as locked

.venv/.stamp: uv.lock pyproject.toml scripts/setup
	@scripts/setup

nightly: setup ## the night, end to end; DAY=2026-11-20 SCALE=county RECORDS=folder SEED=1 FAULT="heat=dead gas=garbage"
	@$(BIN)/cityhub nightly --scale $(SCALE) --seed $(SEED) $(if $(DAY),--day $(DAY)) $(if $(RECORDS),--records $(RECORDS)) $(foreach f,$(FAULT),--fault $(f))

test: setup ## the tests, in parallel
	@$(BIN)/pytest -m "not slow and not full"

test-slow: setup ## a real scheduler, the kill matrix, a sample of faults and disasters: minutes
	@$(BIN)/pytest -m "slow and not full" -n 2

test-full: setup ## every fault, every disaster, every feed's conformance: an hour
	@$(BIN)/pytest -m full -n 2

lint: setup ## format, style, types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: setup ## measurements against peers, in one run each (bench/README.md)
	@$(BIN)/python -m bench.pull

serve: setup ## the ranking page and the publications over HTTP
	@$(BIN)/cityhub serve --port $(PORT)

clean: ## forget the warehouse, landing and sandbox below var/
	@rm -rf var/landing var/lake var/spool var/publications var/sandbox var/airflow var/locks var/logs var/quality var/tmp

.PHONY: help setup nightly test test-slow test-full lint bench serve clean
