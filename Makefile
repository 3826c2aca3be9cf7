# The commands: `make help` lists them. Each sets up what it needs in .venv; the second time it starts in seconds.
# PYTHON chooses the interpreter (3.11 or newer); TORCH says how torch is asked for, e.g. make lab TORCH="torch>=2.10".
PYTHON ?= python3
VENV ?= .venv
TORCH ?= torch -c constraints.txt
CPU_WHEELS = https://download.pytorch.org/whl/cpu
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
export DLQ_REQUIRE_BROWSER ?=

.PHONY: help lab test quick lint types unit notebooks browser outputs site bench fuzz clean
.DEFAULT_GOAL := help

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */  make \1\t/' | expand -t 18

$(VENV)/.torch: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dlq needs Python 3.11 or newer; say make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing PyTorch; the first time takes a minute or two."
	@# No NVIDIA GPU and PyTorch's CPU index in reach: the small build. Otherwise the ordinary index.
	@if ! nvidia-smi -L >/dev/null 2>&1 && $(BIN)/python -c 'import urllib.request as u; u.urlopen("$(CPU_WHEELS)/torch/", timeout=5)' >/dev/null 2>&1; \
	then $(PIP) $(TORCH) --index-url $(CPU_WHEELS); else $(PIP) $(TORCH); fi
	@touch $@

$(VENV)/.lab: $(VENV)/.torch pyproject.toml
	$(PIP) -c constraints.txt -e ".[lab]"
	@touch $@

$(VENV)/.dev: $(VENV)/.lab pyproject.toml
	@# The group "dev" of pyproject.toml, read here because older pip has no --group.
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"], sep="\n")' > $(VENV)/dev.txt
	$(PIP) -c constraints.txt -r $(VENV)/dev.txt
	@touch $@

$(VENV)/.site: $(VENV)/.torch pyproject.toml
	$(PIP) -c constraints.txt -e ".[site]"
	@touch $@

lab: $(VENV)/.lab  ## open JupyterLab at the first lesson
	$(BIN)/jupyter lab notebooks/00_start_here.ipynb $(LAB_OPTIONS)

test: $(VENV)/.dev chromium lint types unit notebooks site browser  ## everything: lint, types, unit tests, lessons, browser (half an hour)

quick: $(VENV)/.dev lint  ## lint and unit tests, under two minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests --ignore tests/browser -m "not slow"

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

unit: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests --ignore tests/browser

notebooks: $(VENV)/.dev
	$(BIN)/python -m pytest --nbmake --nbmake-timeout=900 notebooks

browser: $(VENV)/.dev chromium
	$(BIN)/python -m pytest tests/browser

.PHONY: chromium
chromium:
	@if test -x /usr/bin/chromium; then :; \
	elif test "$$(id -u)" = 0 && command -v apt-get >/dev/null; \
	then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
	else echo "The browser tests need /usr/bin/chromium and will be skipped: sudo apt-get install chromium fonts-dejavu-core"; fi

outputs: $(VENV)/.dev chromium  ## run the lessons and store their pictures in them
	$(BIN)/python notebooks/render.py

site: $(VENV)/.site  ## build lessons and docs into _site, for any web server
	@rm -rf build/site/html
	OMP_NUM_THREADS=1 $(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -b html -d build/site/doctrees docs build/site/html
	@rm -rf _site && cp -R build/site/html _site && touch _site/.nojekyll && echo "Open _site/index.html, or put _site on a web server."

bench: $(VENV)/.dev  ## measure speed on this machine, into benchmarks/
	$(BIN)/python -m dlq bench

FUZZ_SECONDS ?= 60
fuzz: $(VENV)/.dev  ## damage data files at random, a minute for each reader, and see that readers refuse them
	FUZZ_SECONDS=$(FUZZ_SECONDS) OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/test_fuzz.py

clean:  ## remove what the commands made, .venv too
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache dist build _site docs/api docs/lessons
