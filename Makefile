# `make` alone lists the targets. Everything runs in .venv, made from the hashed requirements with any Python from 3.11 on.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$name; break; }; done)
BIN := .venv/bin
TRIALS ?= 5
SEED ?= 1
RESPONSES ?= 10000000
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml
# Superset does not say that it needs cachetools and rich, and does not start with a newer flask-caching.
SUPERSET := 'apache-superset~=6.1.0' 'cachetools' 'clickhouse-connect~=1.12.0' 'flask-caching<2.5' 'rich'

.DEFAULT_GOAL := help
SHELL := bash
.PHONY: help setup demo test check format chaos bench bench-views bench-report contracts lock java prometheus chromium pictures faults image helm compose dbt superset site clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/ready ## Make .venv and install everything into it

.venv/ready: requirements-dev.txt pyproject.toml .ci/venv .ci/install
	.ci/venv "$(PYTHON)"
	.ci/install $(BIN)/python requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## Show the whole path at work: broker, workers, ClickHouse, a simulated company
	$(BIN)/candor demo

test: setup java prometheus chromium helm compose dbt superset ## Run the tests but those of chaos, faults and image, with a real broker and ClickHouse
	@.ci/tests $(BIN)/python

check: setup ## Style, types, import directions, generated files
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/candor contracts --check

format: setup ## Put the style right
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

chaos: setup java ## Crash workers, broker and ClickHouse, and compare every row: TRIALS=n SEED=s
	$(BIN)/python -m tests.chaos --trials $(TRIALS) --seed $(SEED)
	$(BIN)/python -m pytest tests/chaos/test_further.py

bench: setup java ## Measure throughput, latency, recovery and memory
	$(BIN)/python -m benchmarks

bench-views: setup ## Measure time and memory of every view: RESPONSES=n, five transactions each
	$(BIN)/python -m benchmarks.views --responses $(RESPONSES)

bench-report: setup ## Measure time, memory and size of a report: RESPONSES=n, five transactions each
	$(BIN)/python -m benchmarks.report --responses $(RESPONSES)

contracts: setup ## Write the generated contracts and documentation anew
	$(BIN)/candor contracts

site: setup ## Build the documentation into build/site, strictly
	$(BIN)/python -m tests.docs

lock: ## Pin the newest allowed versions, with hashes
	$(COMPILE) --upgrade --output-file requirements.txt
	$(COMPILE) --extra dev --constraint requirements.txt --output-file requirements-dev.txt
	printf 'dbt-core~=1.11.0\ndbt-clickhouse~=1.10.0\n' | $(subst pyproject.toml,-,$(COMPILE)) --upgrade --output-file requirements-dbt.txt
	printf '%s\n' $(SUPERSET) | $(subst pyproject.toml,-,$(COMPILE)) --upgrade --output-file requirements-superset.txt
	echo 'hatchling>=1.27' | $(subst pyproject.toml,-,$(COMPILE)) --constraint requirements-dev.txt --output-file requirements-build.txt

java: setup ## Install Java and Maven where they are missing and may be installed, and fetch Kafka
	@.ci/java
	@$(BIN)/python -c 'from streams.broker import kafka_jars; kafka_jars()'

prometheus: ## Install promtool and Alertmanager where they are missing and may be installed
	@.ci/prometheus

chromium: ## Install Chromium where it is missing and may be installed
	@.ci/chromium

pictures: setup chromium ## Make pictures of the report in light, dark, on a phone and in print, to look at: build/pictures
	$(BIN)/python -m pytest --quiet --durations=0 tests/streams/reporting/test_chromium.py

faults: setup java prometheus ## Inject the faults that make test leaves out, into stacks that run
	$(BIN)/python -m pytest --durations=0 tests/deploy/live/test_further.py

image: setup java compose ## Build the image, and run the services of docker-compose.yml that are Candor's own in it, beside a broker and an engine
	$(BIN)/python -m tests.deploy.image

helm: setup ## Fetch Helm where it is missing
	@.ci/helm $(BIN)/python >/dev/null

compose: ## Fetch Docker Compose where it is missing
	@.ci/compose >/dev/null

dbt: .venv/dbt/ready ## Install dbt into an environment of its own, for the tests of deploy/dbt

.venv/dbt/ready: requirements-dbt.txt .venv/ready
	rm -rf .venv/dbt
	$(BIN)/python -m venv --without-pip .venv/dbt
	.ci/install .venv/dbt/bin/python requirements-dbt.txt --no-deps
	@touch $@

superset: .venv/superset/ready ## Install Superset into an environment of its own, for the tests of deploy/superset

.venv/superset/ready: requirements-superset.txt .venv/ready
	rm -rf .venv/superset
	$(BIN)/python -m venv --without-pip .venv/superset
	.ci/install .venv/superset/bin/python requirements-superset.txt --no-deps
	@touch $@

clean: ## Remove what was made here
	rm -rf .venv .candor .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
