# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

# Shortcuts for nox sessions. They require python3, make and git. To pass arguments: make unit ARGS="-k login"

SHELL := /bin/bash -o pipefail
PYTHON ?= python3
NOX := .venv/bin/nox
SESSION = $(NOX) -s $@ $(if $(ARGS),-- $(ARGS))

.PHONY: help
help:  ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

.PHONY: demo
demo: .venv/stamp  ## Show the backups of a simulated platform, or of the platform that ZSTACK_HOST is set to
	@.venv/bin/python -m tests.demo

.PHONY: test
test: .venv/stamp  ## Run all checks and tests that a change must pass, with one ansible-core (6 minutes)
	@mkdir -p build
	@$(NOX) --parallel auto | tee build/test.log
	@grep -E ' passed.* in [0-9.]+s' build/test.log | tail -n 1

.PHONY: matrix
matrix: .venv/stamp  ## Run what a release needs too: every ansible-core, long tests, all Pythons, Galaxy (hours)
	@$(NOX) --parallel auto --tags matrix

.PHONY: mutants
mutants: .venv/stamp  ## Mutation-test module_utils and plugin_utils (takes hours)
	@$(SESSION)

.PHONY: bench
bench: .venv/stamp  ## Compare the performance with ansible.builtin.uri (takes half an hour on an idle machine)
	@$(SESSION)

.PHONY: lint docs unit
lint: .venv/stamp  ## Format the code, and check style and types
	@$(SESSION)
docs: .venv/stamp  ## Render the documentation into build/docs
	@$(SESSION)
unit: .venv/stamp  ## Run only the unit and system tests
	@$(SESSION)

.PHONY: clean
clean:  ## Remove all files that these tasks created
	rm -rf .venv .nox build

.venv/stamp: requirements-dev.txt tests/integration/requirements.txt
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@
