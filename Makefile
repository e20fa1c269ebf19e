# The commands of the house. The logic lives in scripts/; this file only names it.
.DEFAULT_GOAL := help
.PHONY: help run stack checkpoint test test-night test-fast chaos lint security format css css-check coverage bench-ws requirements venv venv-dev
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

stack: venv-dev ## Start it as on a server: PostgreSQL, Redis, gunicorn, daphne, nginx, on https://localhost:8443
	@$(PYTHON_OF_VENV) -m scripts.stack --https $(HTTPS) --http $(HTTP)

checkpoint: venv-dev ## Go through the production checklist on a server of its own, and print a table
	@$(PYTHON_OF_VENV) -m scripts.checkpoint

test: venv-dev ## Run the tests: PostgreSQL, SQLite, integration, browser
	@$(PYTHON_OF_VENV) -m scripts.suite

test-night: venv-dev ## Run those for the night, too, all on both databases, with more examples
	@$(PYTHON_OF_VENV) -m scripts.suite --night

test-fast: venv-dev ## Run the quick tests of the apps and of the properties in a minute: no server, no browser
	@$(PYTHON_OF_VENV) -m pytest -q -n auto --database=sqlite -m "not (both or slow or night)" --ignore-glob='tests/test_*.py' --ignore=tests/backup --ignore=tests/transfer

chaos: venv-dev ## Let messages pass while servers and network fail, as FIRST_SEED=… and SEEDS=… say
	@$(PYTHON_OF_VENV) -m tests.integration.delivery.chaos --first-seed $(FIRST_SEED) --seeds $(SEEDS)

lint: venv-dev ## Check style, types, imports, templates, migrations, shell scripts
	@scripts/lint.sh

security: venv-dev ## Look for known mistakes, secrets, and settings that are unsafe on a server
	@scripts/security.sh

format: venv-dev ## Rewrite Python files and templates in the house style
	@scripts/format.sh

css: venv-dev ## Build theme/static/theme/app.css
	@scripts/css.sh

css-check: venv-dev ## Fail when the committed CSS is not what the sources give
	@scripts/css.sh check

coverage: venv-dev ## Measure which lines the tests run, on both databases
	@scripts/coverage.sh

bench-ws: venv-dev ## Measure messages and sockets beside their limit (MINUTES=10 for the bar; BENCH="--help")
	@$(PYTHON_OF_VENV) -m bench.ws --minutes $(MINUTES) $(BENCH)

requirements: venv-dev ## Compile the requirements of pyproject.toml, with hashes
	@scripts/requirements.sh

venv:
	@scripts/venv.sh

venv-dev:
	@scripts/venv.sh dev
