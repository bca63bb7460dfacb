# Every target first makes .venv from requirements.lock if it is missing or stale.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3.11
BIN := .venv/bin
SHOP ?= $(or $(REGULARS_SHOP),demo)
export REGULARS_SHOP := $(SHOP)

.PHONY: help run test test-slow ui lint bench spark picture dictionary lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

run: .venv/ready  ## run the demo shop end to end (SHOP=online_retail_ii for a real one)
	@$(BIN)/regulars run

test: .venv/ready  ## the tests
	@$(BIN)/pytest -n 2

test-slow: .venv/ready  ## the tests that take minutes
	@$(BIN)/pytest -m slow

ui: .venv/ready  ## Dagster and MLflow on localhost
	@$(BIN)/regulars ui

lint: .venv/ready  ## style and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: .venv/ready  ## figures: time and memory by size, accuracy against the truth
	@$(BIN)/python -m tests.bench

spark: .venv/spark  ## staging to features of a tiny world on Spark, compared with DuckDB
	@$(BIN)/pytest -m spark

picture: .venv/ready  ## draw docs/graph.svg from the definitions
	@$(BIN)/python -m orchestration.picture

dictionary: .venv/ready  ## write docs/tables.md and docs/touchpoints.md from their contracts
	@$(BIN)/python -m orchestration.dictionary

lock: .venv/ready  ## resolve requirements.lock and requirements-spark.lock anew
	@$(BIN)/uv pip compile -q pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements.lock
	@$(BIN)/uv pip compile -q pyproject.toml --extra dev --extra spark --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements-spark.lock

clean:  ## forget the virtual environment and all state of all shops (keys stay)
	rm -rf .venv data dbt_project/target dbt_project/logs

.venv/ready: requirements.lock pyproject.toml
	@echo "Installing into .venv (once, a few minutes) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@# Of what is imported Python makes byte code then; making it of everything here takes twice as long as the rest.
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@$(BIN)/python -m ml.machine_code
	@touch $@

.venv/spark: requirements-spark.lock .venv/ready
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-spark.lock
	@touch $@
