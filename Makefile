# make install   set up alone, in .venv: about 6 GB with torch from PyPI on Linux, 2.5 GB with a CPU build
# make demo   set up and run the main job: train DLA-SiamCAR and its fixed twin, track, score, draw
# make test   set up and run the tests that take seconds: at most 5 minutes on two cores
# make test-all   set up and run all tests, with the toolkits that they compare with: 0.3 GB more
# make reproduce   run all notebooks, and rewrite figures/ and its gallery
# make lint   style and types
# make lab    open the notebooks in JupyterLab; saving keeps edits and drops outputs
# make dist   wheel and source distribution in dist/
# make docs   build the documentation with Sphinx in site/: some minutes the first time, then what has changed

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TOOLKITS := $(VENV)/.toolkits
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.PHONY: install demo test test-all reproduce lint lab may-serve docs dist clean

install: $(INSTALLED)

demo: $(INSTALLED)
	$(BIN)/dlatrack demo

# glibc gives the largest blocks back at once with these settings: all that is tested in turn would fill the
# memory otherwise. From 1 MiB instead of 32, asking the system takes a third of the time of tests with large tensors.
SPARING := MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=33554432 MALLOC_TRIM_THRESHOLD_=268435456
PYTEST := OMP_NUM_THREADS=1 $(SPARING) $(BIN)/python -m pytest -n auto --maxprocesses 2 --dist worksteal

test: $(INSTALLED)
	$(PYTEST) -m "not slow"

test-all: $(INSTALLED) $(TOOLKITS)
	$(PYTEST)

reproduce: $(INSTALLED)
	$(BIN)/dlatrack figures

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lab: may-serve $(INSTALLED)
	JUPYTER_CONFIG_PATH="$(CURDIR)/notebooks$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}" $(BIN)/jupyter lab notebooks $(ARGS)

# Jupyter refuses root, and says so only after the set-up.
may-serve:
	@case "$$(id -u) $(ARGS)" in "0 "*--allow-root*) ;; "0 "*) \
	echo 'JupyterLab does not run as root unasked; in a container: make lab ARGS=--allow-root' >&2; exit 2;; esac

docs: $(INSTALLED)
	mkdir -p build/docs
	$(BIN)/python -m sphinx --fail-on-warning --jobs 2 -c docs -d build/doctrees build/docs site

dist: $(INSTALLED)
	rm -rf build dist
	$(BIN)/python -m build --no-isolation

clean:
	rm -rf $(VENV) runs/* site build jupyter_execute dist *.egg-info

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("dlatrack needs Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0] + "; try make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo 'setting up $(VENV): about 6 GB with torch from PyPI on Linux, 2.5 GB with a CPU build; some minutes'
	$(PYTHON) -m venv $(VENV)
	$(PIP) '.[dev]'
	@touch $@

$(TOOLKITS): $(INSTALLED)
	$(PIP) '.[toolkits]'
	@touch $@
