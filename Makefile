# Needs Python 3.11 or newer and make, nothing else: servers, libraries and tools come as hash-checked packages.
VENV ?= .venv
PY := $(VENV)/bin/python
UV_COMPILE := $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

# Bytecode is kept, also where the environment says otherwise: the tests start some hundred programs.
# How many processes, and which tests run in which: tests/sharing.py.
SHARED := -p tests.servers -n logical --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help up test check fmt bench faults fuzz schema rules pictures lock run-packages all-packages

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: run-packages ## Start everything with a demo workspace; prints the address and the login
	@exec $(PY) manage.py up

test: all-packages ## Run the tests, each against real servers
	@CDP_CHROMIUM=$$(bin/chromium --install) PYTHONDONTWRITEBYTECODE= exec $(PY) -m pytest $(SHARED)

check: all-packages ## Lint, spelling, types, import order of the apps, missing migrations
	@bin/check

fmt: all-packages ## Put the code into its canonical form
	@$(VENV)/bin/ruff check --quiet --fix . ; $(VENV)/bin/ruff format --quiet . ; \
		find templates -name '*.html' -exec $(VENV)/bin/djade {} +

bench: all-packages ## Measure imports against COPY and against peers
	@exec $(PY) -m benchmarks

faults: all-packages ## Run only the tests that kill real processes, with fifty kills
	@CDP_FAULTS=$${CDP_FAULTS:-50} exec $(PY) -m pytest -m faults

fuzz: all-packages ## Run schemathesis over the whole API, by the tokens of two workspaces
	@DJANGO_SETTINGS_MODULE=cdp.settings exec $(PY) -m tests.servers $(PY) -m tests.api.fuzz.run

schema: all-packages ## Write the resulting database schema to docs/schema.sql
	@exec $(PY) -m tests.servers $(PY) manage.py schema

pictures: all-packages ## Take the pictures of the guides anew, of a demo workspace
	@CDP_CHROMIUM=$$(bin/chromium --install) exec $(PY) -m tests.browser.pictures

rules: all-packages ## Write the reference of the rule language to docs/rules.md
	@exec $(PY) -m tests.servers $(PY) -m tests.docs.rules_page

lock: all-packages ## Choose new versions and write the hash-pinned lock files
	@for name in boot base dev traces peers; do $(UV_COMPILE) --upgrade requirements/$$name.in -o requirements/$$name.txt || exit 1; done

run-packages:
	@VENV=$(VENV) bin/bootstrap requirements/base.txt

all-packages:
	@VENV=$(VENV) bin/bootstrap requirements/base.txt requirements/dev.txt
