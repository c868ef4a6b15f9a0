# The commands of a checkout. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help env demo stop test lint bench chaos month fortnight lock

VENV := .venv

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

env: $(VENV)/complete ## build the Python environment in .venv (once; again when the lock changes)

$(VENV)/complete: requirements.lock pyproject.toml scripts/make_environment
	@scripts/make_environment $(VENV)
	@touch $@

demo: env ## start the servers, load the bundled sample, open charts and Dagster, print where everything is
	@$(VENV)/bin/findata demo

stop: env ## stop everything that demo started; the data stays
	@$(VENV)/bin/findata down

test: env ## run the tests, on a real TimescaleDB and S3 of their own
	@$(VENV)/bin/pytest -n auto --maxprocesses 4 --dist loadfile

lint: env ## check style, types, layers, the contract in proto/, and that Dagster loads
	@scripts/lint

bench: env ## measure what the documents claim about speed
	@$(VENV)/bin/python -m benchmarks

chaos: env ## break everything, a thousand kills first: SEED=7 KILLS=1000 RESUME=1 are optional
	@$(VENV)/bin/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(KILLS),--kills $(KILLS)) $(if $(RESUME),--resume)

month: env ## live through a simulated month of 200 instruments (MONTH="--seed 2 --instruments 20" for another)
	@$(VENV)/bin/python -m tests.simulation $(MONTH)

fortnight: env ## live through a simulated fortnight by Dagster's schedules and sensors (FORTNIGHT="--exchanges XNYS")
	@$(VENV)/bin/python -m tests.simulation.fortnight $(FORTNIGHT)

lock: env ## resolve the dependencies again into requirements.lock
	@$(VENV)/bin/uv pip compile --quiet --upgrade --python-version 3.11 pyproject.toml --all-extras \
	    --generate-hashes --no-emit-index-url --no-annotate --no-header --output-file requirements.lock
	@$(VENV)/bin/uv pip compile --quiet --python-version 3.11 pyproject.toml --extra tracing --constraints requirements.lock \
	    --generate-hashes --no-emit-index-url --no-annotate --no-header --output-file docker/requirements.lock
