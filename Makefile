# make run    serve the app with its demo page on an embedded database
# make test   run the whole suite (ARGS="-k rejoin" for a part of it)
# make lint   ruff and mypy
#
# Each sets up what it needs. Debian packages are installed only where missing, and only by root.

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
TEST_PROCESSES ?= 4

.PHONY: run test lint

run: $(VENV)/production
	$(BIN)/python -m party migrate
	PORT=$(PORT) exec $(BIN)/gunicorn --config deploy/gunicorn.conf.py app:application

test: $(VENV)/development
	@tests/install-debian-packages mariadbd=mariadb-server chromium=chromium
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) $(ARGS)

lint: $(VENV)/development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/production: requirements.txt | $(BIN)/pip
	$(BIN)/pip install --quiet --requirement requirements.txt
	touch $@

$(VENV)/development: requirements-dev.txt requirements.txt | $(BIN)/pip
	$(BIN)/pip install --quiet --requirement requirements-dev.txt
	touch $(VENV)/production $@

# Debian's Python comes without ensurepip, and then makes an environment that has no pip.
$(BIN)/pip:
	@$(PYTHON) -c "import ensurepip" 2>/dev/null || tests/install-debian-packages --required ensurepip=python3-venv
	$(PYTHON) -m venv $(VENV)
