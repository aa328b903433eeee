# make demo   set up and run the main job: train DLA-SiamCAR and its fixed twin, track, score, draw
# make test   set up and run the tests
# make lint   style and types
# make lab    open the notebooks in JupyterLab

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test lint lab clean

demo: $(INSTALLED)
	$(BIN)/dlatrack run 01
	$(BIN)/dlatrack run 03

test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lab: $(INSTALLED)
	$(BIN)/jupyter lab notebooks

clean:
	rm -rf $(VENV) runs/* build dist *.egg-info

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("dlatrack needs Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0] + "; try make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@
