# signoff: `make run` shows it, `make test` checks it. Needs Python 3.11 or later and nothing else.

VENV ?= .venv
# The first of these that runs and is new enough; `make test PYTHON=/path/to/python` overrides.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := $(VENV)/bin
PY := $(BIN)/python
STAMP := $(VENV)/.installed
WORKERS ?= auto
PYTEST := $(BIN)/pytest -n $(WORKERS) --maxprocesses 4 --dist loadscope --no-loadscope-reorder
DEMO := build/demo

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Without compiled modules every process the tests start would compile all of them anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test lint format soak bench screenshots docs picture constraints clean

help:
	@echo 'make run      label the example reviews: you answer on a terminal, a column answers without one'
	@echo 'make test     lint, types, layers, dependencies, then every fast test'
	@echo 'make soak     the long forms of the tests'
	@echo 'make bench    every benchmark; redraws the table in README.md (QUICK=1: a minute each)'
	@echo 'make lint     the checks of make test without the tests'
	@echo 'make format   reformat the code'
	@echo 'make screenshots  pictures of every page and question kind in build/screenshots'
	@echo 'make docs     the documentation as HTML in build/docs'
	@echo 'make clean    remove the virtual environment and everything built'

# The page is built where signoff is installed, so a change of it installs again.
PAGE := $(shell find web -name node_modules -prune -o -name shots -prune -o -type f -print)

$(STAMP): pyproject.toml constraints.txt hatch_build.py $(PAGE)
	@if [ ! -x $(PY) ]; then \
		if [ -z '$(PYTHON)' ]; then echo 'signoff needs Python 3.11 or later; none was found. Pass PYTHON=/path/to/python.' >&2; exit 1; fi; \
		echo 'Creating $(VENV) with $(PYTHON)'; $(PYTHON) -m venv $(VENV); fi
	$(PY) -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

run: $(STAMP)
	@sh examples/run.sh $(BIN)/signoff $(DEMO)

# Every check runs whatever the others said, the tests last, so that their summary is what one reads.
# Types take longest and one core: they are checked beside the others and reported after them.
define CHECKS
failed=''; \
check() { name=$$1; shift; echo "== $$name"; "$$@" || failed="$$failed $$name"; }; \
said=$$(mktemp); $(BIN)/basedpyright --pythonpath $(PY) >$$said 2>&1 & types=$$!; \
check 'lint' $(BIN)/ruff check; \
check 'format' $(BIN)/ruff format --check; \
check 'layers' $(BIN)/lint-imports --no-logo; \
check 'dependencies' $(BIN)/deptry src; \
if command -v npm >/dev/null; then check 'page' sh -c 'cd web && { [ -d node_modules ] || npm ci --silent; } && npm run --silent check && npm test --silent'; \
else echo '== page: skipped, no npm on this machine'; fi; \
wait $$types; typed=$$?; check 'types' sh -c 'cat "$$1"; rm "$$1"; exit "$$2"' types "$$said" "$$typed"
endef
define VERDICT
if [ -n "$$failed" ]; then echo "make $@: failed:$$failed" >&2; exit 1; fi
endef

# The tests drive a real browser: Debian's, installed where that may be done.
.PHONY: chromium
chromium:
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo 'Installing Chromium'; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else echo 'Chromium is not installed: the tests of the page will be skipped.'; fi

test: $(STAMP) chromium
	@$(CHECKS); \
	check 'tests' $(PYTEST); \
	$(VERDICT)

lint: $(STAMP)
	@$(CHECKS); \
	$(VERDICT)

format: $(STAMP)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

soak: $(STAMP) chromium
	$(PYTEST) -m soak

bench: $(STAMP)
	$(PY) -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	$(PY) benchmarks/run_all.py $(if $(QUICK),--quick)

# Every page at 1280 and 360 px, light and dark; ends with what axe finds and what is too wide.
screenshots: $(STAMP) chromium
	@command -v npm >/dev/null || { echo 'make screenshots needs npm.' >&2; exit 1; }
	@cd web && { [ -d node_modules ] || npm ci --silent; } && npm run --silent build
	@failed=''; \
	echo '== the review page'; (cd web && node shots.mjs ../build/screenshots/review) || failed=1; \
	echo '== every other page'; $(PY) tests/browser/screenshots.py build/screenshots || failed=1; \
	[ -z "$$failed" ]

docs: $(STAMP)
	$(PY) -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	$(PY) -m sphinx -W -q -b html docs build/docs
	@echo 'build/docs/index.html'

picture: $(STAMP)
	$(PY) docs/make_session_picture.py

# Newer versions for everybody: needs uv (pip install uv). Names and versions only, no hosts.
constraints:
	uv pip compile pyproject.toml --universal --python-version 3.11 --upgrade \
		--extra dev --extra docs --extra postgres --extra bench \
		--no-annotate --no-header --no-emit-index-url --no-emit-find-links --output-file constraints.txt

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache src/*.egg-info
