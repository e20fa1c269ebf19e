# Commands for developers. The logic is in scripts/; this file only names it.
.DEFAULT_GOAL := help
.PHONY: help run stack checkpoint test test-night test-fast chaos chaos-tasks lint security format css css-check coverage bench bench-ws requirements venv venv-dev
PYTHON_OF_VENV := .venv/bin/python
PORT ?= 8000
HTTPS ?= 8443
HTTP ?= 8080
FIRST_SEED ?= 1
SEEDS ?= 10
MINUTES ?= 1

help: ## Show these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: venv ## Start LinkUp with a demo network on http://localhost:8000 (PORT=… for another port)
	@PORT=$(PORT) scripts/run.sh

stack: venv-dev ## Start the production stack: PostgreSQL, Redis, gunicorn, daphne, nginx, on https://localhost:8443
	@$(PYTHON_OF_VENV) -m scripts.stack --https $(HTTPS) --http $(HTTP)

checkpoint: venv-dev ## Check the production checklist on a temporary server, and print a table
	@$(PYTHON_OF_VENV) -m scripts.checkpoint

test: venv-dev ## Run the tests: PostgreSQL, SQLite, integration, browser
	@$(PYTHON_OF_VENV) -m scripts.suite

test-night: venv-dev ## Run the slow tests, too, all on both databases, with more examples
	@$(PYTHON_OF_VENV) -m scripts.suite --night

test-fast: venv-dev ## Run the fast unit and property tests in a minute: no server, no browser
	@$(PYTHON_OF_VENV) -m pytest -q -n auto --database=sqlite -m "not (both or slow or night)" --ignore-glob='tests/test_*.py' --ignore=tests/backup --ignore=tests/transfer

chaos: venv-dev ## Test message delivery while servers and network fail (FIRST_SEED=… SEEDS=…)
	@$(PYTHON_OF_VENV) -m tests.integration.delivery.chaos --first-seed $(FIRST_SEED) --seeds $(SEEDS)

chaos-tasks: venv-dev ## Test background tasks while workers and Redis are killed (FIRST_SEED=… SEEDS=100)
	@$(PYTHON_OF_VENV) -m tests.integration.tasks.kills --first-seed $(FIRST_SEED) --seeds $(SEEDS)

lint: venv-dev ## Check style, types, imports, templates, migrations, shell scripts
	@scripts/lint.sh

security: venv-dev ## Check for known mistakes, secrets, and unsafe settings
	@scripts/security.sh

format: venv-dev ## Format Python files and templates
	@scripts/format.sh

css: venv-dev ## Build the stylesheets and the sprite of icons
	@scripts/css.sh

css-check: venv-dev ## Fail when the committed CSS is outdated
	@scripts/css.sh check

coverage: venv-dev ## Measure which lines the tests run, on both databases
	@scripts/coverage.sh

bench: venv-dev ## Measure pages, Lighthouse and messages, and write the table of docs/performance.md (about 15 minutes)
	@$(PYTHON_OF_VENV) -m bench --minutes $(MINUTES)

bench-ws: venv-dev ## Benchmark messages and sockets near their limit (MINUTES=10 for the full run; BENCH="--help")
	@$(PYTHON_OF_VENV) -m bench.ws --minutes $(MINUTES) $(BENCH)

requirements: venv-dev ## Compile pinned requirements with hashes from pyproject.toml
	@scripts/requirements.sh

venv:
	@scripts/venv.sh

venv-dev:
	@scripts/venv.sh dev
