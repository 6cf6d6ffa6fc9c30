# make run    sets everything up, then serves a bot at http://127.0.0.1:7860
# make test   sets everything up, then passes all tests
# make check  lint, types and the fast tests: under a minute
# All that is installed goes into .tools and .venv in this folder, but for what the tests want of
# the system: see tools/chromium.sh and tools/packages.sh.

CONFIG ?= configs/local.yaml
PYTHON ?= python3
UV_VERSION := 0.13.8
UV := .tools/uv/bin/uv
BIN := .venv/bin
INSTALLED := .venv/.installed-run
INSTALLED_DEV := .venv/.installed-dev

FAST := not slow and not browser
SLOW := slow or browser
# They talk in real time, and each wants the machine for itself.
ALONE := $(addprefix tests/,browser control daily device end_to_end injection rehearsal room rtvi turns webrtc)

.DEFAULT_GOAL := help
.PHONY: help run test check lint types fast docs chromium packages clean

help:
	@sed -n '1,/^$$/s/^# //p' Makefile

run: $(INSTALLED)
	@$(BIN)/bargein run $(CONFIG)

test: $(INSTALLED_DEV) chromium packages lint types
	$(BIN)/pytest -n 2 -m "$(FAST)"
	$(BIN)/pytest -n 2 --dist loadscope -m "$(SLOW)" $(addprefix --ignore=,$(ALONE))
	$(BIN)/pytest -m "$(SLOW)" $(ALONE)

check: $(INSTALLED_DEV) lint types fast

lint: $(INSTALLED_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED_DEV)
	$(BIN)/mypy

fast: $(INSTALLED_DEV)
	$(BIN)/pytest -n 2 -m "$(FAST)"

# What is printed from the code: protocol, floor, configuration.
docs: $(INSTALLED_DEV)
	$(BIN)/bargein docs docs

chromium: $(INSTALLED_DEV)
	@sh tools/chromium.sh $(BIN)/playwright

packages:
	@sh tools/packages.sh

clean:
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis

# The stamps let everything run offline once it is installed. Behind a proxy that signs with
# a certificate of its own, the second try takes the system's certificates.
SYNC = sync --quiet --frozen --inexact --python $(PYTHON) --extra embedded
# The vendors' own classes talk with servers on this machine in the tests.
TESTED = --extra rtvi --extra webrtc --extra device --extra daily \
  --extra deepgram --extra anthropic --extra elevenlabs --extra mcp --extra dev
OFFLINE = { echo "The packages could not be fetched: go online, and run the same command again." >&2; exit 1; }

$(INSTALLED): uv.lock pyproject.toml | $(UV)
	@echo "Installing what the bot needs into .venv ..."
	@$(UV) $(SYNC) 2>/dev/null || $(UV) --system-certs $(SYNC) || $(OFFLINE)
	@touch $@

$(INSTALLED_DEV): uv.lock pyproject.toml | $(UV)
	@echo "Installing what the tests need into .venv ..."
	@$(UV) $(SYNC) $(TESTED) 2>/dev/null || $(UV) --system-certs $(SYNC) $(TESTED) || $(OFFLINE)
	@touch $@ $(INSTALLED)

$(UV):
	@sh tools/uv.sh $(PYTHON) $(UV_VERSION)
