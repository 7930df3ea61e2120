# The front door. Every target sets up what it needs: `make report` on a fresh clone is enough.
# All paths are relative, so that the name of the project's folder is no part of any command.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

ifneq ($(lastword $(MAKEFILE_LIST)),Makefile)
$(error run make in the project's folder, or name that folder: make -C FOLDER TARGET)
endif

# Values of the caller are text: make does not expand them, and recipes read them from the environment.
override PROFILE := $(value PROFILE)
override EXPERIMENT := $(value EXPERIMENT)
override BASELINE := $(value BASELINE)
override A := $(value A)
override B := $(value B)
override PYTHON := $(value PYTHON)
override APP := $(value APP)
export APP PROFILE EXPERIMENT BASELINE A B PYTHON

# The programs of .venv/bin are run as modules: the first line of their files has the path of the project's folder.
override PY := .venv/bin/python
override STAMP := .venv/installed
override AUDIT := .venv/audit
override SCALE := .venv/scale
override STORE := .venv/store
override PACKAGES := workbench instrumentation reference_app loadgen analysis reports lab bench tests
override SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
# Debian's, for `make test-extra`.
override EXTRA_PACKAGES := chromium chromium-driver pgbouncer prometheus faketime
override EXPERIMENT_OPTION := $${EXPERIMENT:+"--experiment=$$EXPERIMENT"}

# No installer may fetch an interpreter, and nothing of the caller's Python may leak in.
export UV_PYTHON_DOWNLOADS := never
# Certificates are those of the machine, as for pip: a company's own authority is known there only.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt),)
export UV_SYSTEM_CERTS := 1
endif
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup scale report render test test-accuracy test-extra resilience lab gate compare bench lint audit clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile
	@echo "  PROFILE=quick|full|requests|database|ablation|capacity|what-if|operations|resilience chooses the experiment, EXPERIMENT=<id> names a stored one; make report goes on with it."

setup: $(STAMP) ## create .venv from requirements.lock, and nothing else

$(STAMP): requirements.lock pyproject.toml
	@if [ -n "$$PYTHON" ]; then set -- "$$PYTHON"; else set -- python3 python3.13 python3.12 python3.11; fi; \
	python=; for candidate; do \
	  if "$$candidate" -c '$(SUPPORTED)' 2>/dev/null; then python=$$candidate; break; fi; done; \
	if [ -z "$$python" ] && [ -n "$$PYTHON" ]; then \
	  printf 'setup: PYTHON=%q is no Python 3.11, 3.12 or 3.13; name one: make setup PYTHON=/path/to/python3\n' "$$PYTHON" >&2; exit 1; fi; \
	if [ -z "$$python" ]; then \
	  echo "setup: no Python 3.11, 3.12 or 3.13 found; install one, or name it: make setup PYTHON=/path/to/python3" >&2; exit 1; fi; \
	echo "setup: $$("$$python" --version), into .venv"; \
	rm -rf .venv; \
	if uv --version >/dev/null 2>&1; then \
	  uv=uv; uv venv --quiet --python "$$("$$python" -c 'import sys; print(sys.executable)')" .venv; \
	else \
	  if ! "$$python" -m venv .venv; then \
	    echo "setup: this Python cannot make a virtual environment; use one that has its venv module" >&2; exit 1; fi; \
	  awk '/^uv==/ {on=1} on {print} on && !/\\$$/ {exit}' requirements.lock > .venv/uv.lock; \
	  $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .venv/uv.lock; \
	  uv=.venv/bin/uv; \
	fi; \
	$$uv pip sync --quiet --compile-bytecode --python $(PY) --require-hashes requirements.lock; \
	$$uv pip install --quiet --python $(PY) --no-deps --no-build-isolation --offline -e .; \
	touch $@

scale: $(SCALE) ## add Dask to .venv: for more rows than one machine holds

$(SCALE): scale.lock $(STAMP)
	@.venv/bin/uv pip install --quiet --compile-bytecode --python $(PY) --no-deps --require-hashes -r scale.lock
	@touch $@

# The S3 of the tests, whose packages need other versions than the project.
$(STORE)/installed: store.lock $(STAMP)
	@rm -rf $(STORE)
	@.venv/bin/uv venv --quiet --python $(PY) $(STORE)
	@.venv/bin/uv pip sync --quiet --python $(STORE)/bin/python --require-hashes store.lock
	@touch $@

report: $(STAMP) ## measure (PROFILE, or APP=workbench.toml), analyse and render reports/html/optimization-results.html
	@$(PY) -m reports report $${PROFILE:+"--profile=$$PROFILE"} $${APP:+"--app=$$APP"} $(EXPERIMENT_OPTION)

render: $(STAMP) ## rebuild the page from the newest stored experiment, or EXPERIMENT
	@$(PY) -m reports build $(EXPERIMENT_OPTION)

test: $(STAMP) ## run the tests, in three processes and against a real PostgreSQL
	@$(PY) -m pytest

test-accuracy: $(STAMP) ## run the long tests, and those that measure time; the machine should be idle
	@$(PY) -m pytest -m "simulated or exhaustive" --numprocesses 2
	@$(PY) -m pytest -m exclusive --numprocesses 0

test-extra: $(STAMP) $(SCALE) $(STORE)/installed ## run the tests that need Dask, or Debian's Chromium, PgBouncer and Prometheus; installs them where it may
	@PATH="$$PATH:/usr/sbin"; missing=; \
	for program in chromium chromedriver pgbouncer promtool faketime; do command -v $$program >/dev/null || missing="$$missing $$program"; done; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "test-extra: installing $(EXTRA_PACKAGES)"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(EXTRA_PACKAGES) >/dev/null; \
	  else \
	    echo "test-extra: missing:$$missing; only root can install them: apt-get install $(EXTRA_PACKAGES)" >&2; exit 1; \
	  fi; fi
	@$(PY) -m pytest -m extra --numprocesses 0

resilience: $(STAMP) ## put the application under faults, overload and a soak, render that (PROFILE), and draw faults by chance
	@$(PY) -m reports report "--profile=$${PROFILE:-resilience}"
	@case "$${PROFILE:-resilience}" in resilience) export TRACETRACK_CHAOS_EXAMPLES="$${TRACETRACK_CHAOS_EXAMPLES:-8}";; esac; \
	$(PY) -m pytest -m resilience --numprocesses 0

lab: $(STAMP) ## open JupyterLab on the notebooks
	@env -u JUPYTER_PATH JUPYTER_PREFER_ENV_PATH=1 $(PY) -m lab

gate: $(STAMP) ## fail if the built report breaks an objective, is worse than BASELINE, or decides nothing
	@$(PY) -m reports gate $(EXPERIMENT_OPTION) $${BASELINE:+"--baseline=$$BASELINE"}

compare: $(STAMP) ## render two experiments side by side (A, B), or print two runs: A=<experiment>/<run>
	@$(PY) -m reports compare -- "$$A" "$$B"

bench: $(STAMP) ## measure what the workbench itself costs
	@$(PY) -m bench

lint: $(STAMP) ## style, formatting, types, import layers, and notebooks without outputs
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --quiet --check .
	@$(PY) -m mypy --no-error-summary
	@$(PY) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' --no-logo --no-cache
	@$(PY) -m nbstripout --keep-id --verify notebooks/*.ipynb

$(AUDIT)/installed: audit.lock $(STAMP)
	@rm -rf $(AUDIT)
	@.venv/bin/uv venv --quiet --python $(PY) $(AUDIT)
	@.venv/bin/uv pip sync --quiet --python $(AUDIT)/bin/python --require-hashes audit.lock
	@touch $@

# Its report is there only if every package was looked up.
audit: $(AUDIT)/installed ## look up the locked packages in the database of advisories of PyPI; for the network, and for no CI
	@rm -f $(AUDIT)/report; \
	if lines=$$($(AUDIT)/bin/python -m pip_audit --strict --disable-pip --require-hashes --timeout 10 \
	    --progress-spinner off --output $(AUDIT)/report -r requirements.lock -r audit.lock -r scale.lock -r store.lock 2>&1); then \
	  echo "audit: no advisory for a package of requirements.lock, audit.lock, scale.lock and store.lock"; \
	elif [ -s $(AUDIT)/report ]; then \
	  cat $(AUDIT)/report; echo "audit: there are advisories; lock other versions" >&2; exit 1; \
	else \
	  echo "audit: nothing is known, as a look-up failed: $${lines##*$$'\n'}" >&2; exit 1; \
	fi

clean: ## remove what was built: .venv, the page, PostgreSQL's data (recorded runs stay)
	@rm -rf .venv reports/html reports/executed data/postgres .pytest_cache .ruff_cache .mypy_cache
	@find $(PACKAGES) -name __pycache__ -type d -prune -exec rm -rf {} +
