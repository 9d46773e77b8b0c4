# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Thin faces of the nox sessions, for a machine with python3, make and git. More for a session: `make unit ARGS="-k login"`.

SHELL := /bin/bash -o pipefail
PYTHON ?= python3
NOX := .venv/bin/nox
SESSION = $(NOX) -s $@ $(if $(ARGS),-- $(ARGS))

.PHONY: help
help:  ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

.PHONY: demo
demo: .venv/stamp  ## Show the backups of a simulated ZStack, or of the one that ZSTACK_HOST names
	@.venv/bin/python -m tests.demo

.PHONY: test
test: .venv/stamp  ## Run all that a change must pass, on one ansible-core
	@mkdir -p build
	@$(NOX) | tee build/test.log
	@grep -E '^=+ .* in [0-9.]+s' build/test.log | tail -n 1

.PHONY: matrix
matrix: .venv/stamp  ## Run sanity, integration, unit and system tests on every ansible-core
	@$(NOX) --tags matrix

.PHONY: mutants
mutants: .venv/stamp  ## List changes to plugins/module_utils that no unit test notices. Takes hours
	@$(SESSION)

.PHONY: lint docs unit
lint: .venv/stamp  ## Check format, style and types
	@$(SESSION)
docs: .venv/stamp  ## Render the documentation into build/docs
	@$(SESSION)
unit: .venv/stamp  ## Run the unit and system tests alone
	@$(SESSION)

.PHONY: clean
clean:  ## Remove all that these tasks made
	rm -rf .venv .nox build tests/output

.venv/stamp: requirements-dev.txt tests/integration/requirements.txt
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@
