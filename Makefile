# Two commands are all it takes, `make run` and `make test`: both set themselves up first.
# Works with GNU make 3.81 (macOS).

SITE ?= energalactic-5015-0.5c
SCENARIO ?= normal
DURATION ?= 0
INTERPRETER ?= micropython
BUS ?=
ONLY ?=
MINUTES ?= 60
ARGS ?=
BOARD ?=
PORT ?=

PY := build/venv/bin/python
RUFF := build/venv/bin/ruff
STAMPS := build/stamps
SET_UP := $(STAMPS)/venv $(STAMPS)/packages $(STAMPS)/micropython

.PHONY: help run bench deploy test board-test coverage mutate check setup lint fmt types generated clean
.DEFAULT_GOAL := help

help:
	@echo 'make run    a whole simulated site in the terminal, until Ctrl-C'
	@echo '            SITE=$(SITE)  SCENARIO=$(SCENARIO)'
	@echo '            DURATION=seconds (0 = until Ctrl-C)  INTERPRETER=micropython|cpython'
	@echo '            BUS=tcp|rtu (rtu: all racks on one serial line at wire speed)'
	@echo 'make bench  measure, into build/bench.json (ONLY=modbus, rtu,'
	@echo '            protection, codec, journal, mqtt, drain or ingest)'
	@echo 'make test   every test that needs no hardware, on all processors'
	@echo '            (ARGS="-k word" goes to pytest; a part of the tests runs in one process)'
	@echo 'make board-test  the firmware and tests/shared on the emulated board: needs gcc-arm-none-eabi,'
	@echo '            libnewlib-arm-none-eabi and qemu-system-arm (twenty minutes; ARGS as for test)'
	@echo 'make check  format, lint, types, generated files, tests: what CI runs'
	@echo 'make coverage  branches of protection and outputs that no test takes: fails on any'
	@echo 'make mutate    small errors in protection and outputs: which would no test notice?'
	@echo '               (about half an hour; MINUTES=n stops sooner, the next one goes on)'
	@echo 'make deploy BOARD=name SITE=site.toml  onto a board at its cable (PORT=, if there are several)'
	@echo 'make setup  only the set-up that run and test do first, into build/'
	@echo 'make fmt    format and mend what ruff can mend'
	@echo 'make clean  remove build/'
	@echo 'build/venv/bin/gatewayctl --help shows everything else'

run: setup
	@$(PY) -m host_tools run --site '$(SITE)' --scenario '$(SCENARIO)' \
	  --duration '$(DURATION)' --interpreter '$(INTERPRETER)' --bus '$(BUS)'

deploy: setup
	@$(PY) -m host_tools deploy --board '$(BOARD)' --port '$(PORT)' --site '$(SITE)'

bench: setup
	@$(PY) -m host_tools bench --only '$(ONLY)'

test: setup
	@$(PY) -m pytest -n auto $(ARGS)

# One image for all workers, who mostly wait: a board's time is that of its host, or slower when
# the host is busy. So the longest test may last long.
BOARD_WORKERS := 2
BOARD_HANG_S := 900

board-test: setup
	@$(PY) -m host_tools.toolchain.emulated_board
	@$(PY) -m pytest -n $(BOARD_WORKERS) -o faulthandler_timeout=$(BOARD_HANG_S) tests/board $(ARGS)

COVERED := tests/shared/protection tests/shared/outputs tests/property

coverage: setup
	@$(PY) -m coverage run -m pytest --quiet $(COVERED)
	@$(PY) -m coverage report

mutate: setup
	@$(PY) -m host_tools mutate --minutes '$(MINUTES)'

check: lint types generated test

lint: setup
	@$(RUFF) format --check --quiet . || { echo 'format differs: make fmt' >&2; exit 1; }
	@$(RUFF) check --quiet .

types: setup
	@$(PY) -m mypy

generated: setup
	@$(PY) -m host_tools maps build --check
	@$(PY) -m host_tools matrix build --check
	@$(PY) -m host_tools package --check

fmt: setup
	@$(RUFF) format .
	@$(RUFF) check --fix .

clean:
	rm -rf build

# Set-up: a stamp per part, so that a second start compares a few file times and nothing else.
setup: $(SET_UP)

# The first new enough python3; `make run PYTHON=/path/to/python3` names another.
$(STAMPS)/venv: host_tools/requirements.txt
	@mkdir -p $(STAMPS)
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    "$$python" -m host_tools.toolchain.bootstrap || exit 2; touch $@; exit 0; \
	  fi; \
	done; \
	echo 'set-up: needs python3 >= 3.11 (see python3 --version); or: make run PYTHON=path' >&2; \
	exit 2

$(STAMPS)/packages: firmware/requirements.txt | $(STAMPS)/venv
	@$(PY) -m host_tools.toolchain.packages
	@touch $@

# Missing when no MicroPython could be had: then tried again at every start. Another recipe builds
# it again.
RECIPE := host_tools/toolchain/build.py host_tools/toolchain/debian_source.py boards/sim/manifest.py
$(STAMPS)/micropython: $(RECIPE) | $(STAMPS)/venv
	@$(PY) -m host_tools.toolchain.setup_micropython $@
