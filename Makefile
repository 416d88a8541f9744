# Everything runs in .venv of this checkout; what is downloaded or built goes to .cache. Neither needs root.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STUBS := .cache/esp32-stubs
# Tests start hundreds of programs: what Python compiled once is kept, wherever else that is switched off.
unexport PYTHONDONTWRITEBYTECODE
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help run test test-board check lint lint-text lint-host lint-firmware bench soak fuzz evaluate hardware firmware runtimes data picture generate clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.live ## Walk backward on a virtual pair of insoles: see it live, record it, read the summary
	@$(BIN)/python -m retrosole.twin.build_runtimes unpacked
	@$(BIN)/python -m retrosole demo

test: $(VENV)/.test $(STUBS)/.done ## Run all tests, real MicroPython included (built once, about two minutes)
	@$(BIN)/python -m retrosole.twin.build_runtimes test
	@$(MAKE) --no-print-directory -j2 lint
	$(PYTEST) -n 5 --dist worksteal -q

check: ## Quick: generated files, lint, types, spelling, fast tests (a minute or two)
	@$(MAKE) --no-print-directory -j2 lint
	$(PYTEST) -n 5 --dist worksteal -q -m "not slow"

lint: lint-text lint-host lint-firmware

lint-text: $(VENV)/.test
	$(BIN)/python protocol/generate.py --check
	$(BIN)/python firmware/make_plain.py --check
	$(BIN)/python protocol/make_vectors.py --check
	$(BIN)/ruff check -q .
	$(BIN)/codespell

lint-host: $(VENV)/.test
	$(BIN)/mypy

lint-firmware: $(VENV)/.test $(STUBS)/.done
	cd firmware && MYPYPATH=../$(STUBS) ../$(BIN)/mypy --config-file mypy.ini --custom-typeshed-dir ../$(STUBS) main.py launch.py insole

# PORT=... and, if it should not be fetched, MICROPYTHON=FILE; see the README.
test-board: $(VENV)/.test ## Test on a real board, which is ERASED: make test-board PORT=/dev/ttyUSB0
	RETROSOLE_BOARD='$(PORT)' RETROSOLE_BOARD_MICROPYTHON='$(MICROPYTHON)' $(PYTEST) -x -s -v tests/boards/on_a_board.py

bench: $(VENV)/.test ## Measure cost beside a reference loop in the same run
	@$(BIN)/python -m retrosole.twin.build_runtimes test
	$(BIN)/python tests/bench.py

soak: $(VENV)/.test ## Run the long counts in full (make test runs a tenth)
	@$(BIN)/python -m retrosole.twin.build_runtimes test
	RETROSOLE_SOAK=1 $(PYTEST) -q -n 2 -m slow

fuzz: $(VENV)/.fuzz ## Look for input that breaks a reader, 20 s each (FUZZ="--seconds 60 log" for more of one)
	@$(BIN)/python -m tests.fuzz $(FUZZ)

evaluate: $(VENV)/.evaluate ## Score the detector on recordings (RETROSOLE_RECORDINGS) and the gait model: tables, pictures
	$(BIN)/python -m tests.evaluation $(EVALUATE)

hardware: $(VENV)/.evaluate ## Draw sheets and wiring, check the schematic with KiCad 9, simulate front ends (ngspice), compute the power
	$(BIN)/python -m hardware.sheet
	$(BIN)/python -m hardware.wiring
	$(BIN)/python -m hardware.board_files
	$(BIN)/python -m hardware.simulation
	$(BIN)/python -m hardware.power

firmware: $(VENV)/.test ## Compile the firmware for ESP32, S3 (xtensawin) and C3 (rv32imc) into build/
	$(BIN)/python tests/compile_firmware.py

runtimes: $(VENV)/.test ## Obtain real MicroPython: the 32-bit desktop build and the emulated RV32 machine
	$(BIN)/python -m retrosole.twin.build_runtimes test

data: $(VENV)/.live ## Fetch a real recording (Moticon OpenGo samples, Apache-2.0) into data/
	$(BIN)/python tests/fetch_data.py

picture: $(VENV)/.test ## Make the pictures of the guides anew: virtual insoles, the gait model, Chromium
	$(BIN)/python -m tests.pictures

generate: $(VENV)/.test ## Write what follows from protocol/messages.toml, the native kernel and the parameters
	$(BIN)/python protocol/generate.py
	$(BIN)/python firmware/make_plain.py
	$(BIN)/python protocol/make_vectors.py
	$(BIN)/python -m tests.guides.parameters

clean: ## Remove what was built, downloaded and installed here
	rm -rf $(VENV) .cache build dist data .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "python3 (3.11 or newer) is needed: see README.md"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Use make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "venv is missing: sudo apt-get install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/.live: $(VENV)/bin/python pyproject.toml
	@echo "setting up .venv (once)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[live,web]'
	@touch $@

$(VENV)/.test: $(VENV)/.live pyproject.toml
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[test,check]'
	@touch $@

$(VENV)/.evaluate: $(VENV)/.test pyproject.toml
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[evaluate]'
	@touch $@

$(VENV)/.fuzz: $(VENV)/.test pyproject.toml
	@$(BIN)/python -m pip install -q --disable-pip-version-check --only-binary atheris -e '.[fuzz]' 2>/dev/null || { \
		echo "make fuzz needs atheris, which is not to be had for $$($(BIN)/python --version) here: try Python 3.11 on Linux"; exit 1; }
	@touch $@

# In a folder of their own: among the installed packages they would shadow the standard library for the type checker.
$(STUBS)/.done: $(VENV)/.test
	@$(BIN)/python -m pip install -q --disable-pip-version-check --target $(STUBS) --upgrade micropython-esp32-stubs==1.24.1.post2
	@touch $@
