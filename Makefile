# Two commands: `make demo` and `make test`. Both need Python 3.11 or newer and nothing else.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile

.PHONY: browser demo test test-fast lint docs runs/gate gate baseline requirements clean

demo: .venv/.run
	$(BIN)/avbench run --model harmony,world --suite speech --limit 4 --out runs/demo
	$(BIN)/avbench report runs/demo
	@echo "The clips are in runs/demo/clips; the scores are in runs/demo/scores.parquet."

test: .venv/.dev
	$(PYTEST) -m "not slow"
	$(PYTEST) -m slow

browser:  # what the tests of report pages need; without it they are skipped
	command -v chromium || { [ "$$(id -u)" = 0 ] && apt-get update -qq && \
	  apt-get install -y -qq --no-install-recommends chromium; } || echo "no Chromium: tests of pages will be skipped"

test-fast: .venv/.dev
	$(PYTEST) -m "not slow"

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

runs/gate: .venv/.run  # always: the run itself knows what is done and what is stale
	$(BIN)/avbench run --model harmony --suite .ci/gate/prompts.jsonl --out runs/gate \
	  --metrics av_align,onset_offset,lip_envelope,temporal_flickering,loudness,guards,wer_world

gate: runs/gate  # is the bundled model as good as the committed baseline?
	$(BIN)/avbench gate runs/gate --baseline .ci/gate/baseline.json --config .ci/gate/gate.toml

baseline: runs/gate  # after a change of the model on purpose: write the baseline anew, and commit it
	$(BIN)/avbench gate runs/gate --save .ci/gate/baseline.json

docs: .venv/.dev  # rewrites the generated parts of docs/
	AVBENCH_UPDATE_DOCS=1 $(BIN)/python -m pytest -q tests/docs

requirements:  # pinned environments, without addresses
	uv pip compile -q --universal --python-version 3.11 --no-annotate --no-emit-index-url \
	  --extra world -c requirements/constraints.txt pyproject.toml -o requirements/run.txt --no-header
	uv pip compile -q --universal --python-version 3.11 --no-annotate --no-emit-index-url \
	  --extra world --extra train --extra paper --extra full --extra dev -c requirements/constraints.txt pyproject.toml -o requirements/dev.txt --no-header

.venv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "avbench needs Python 3.11 or newer; try: make PYTHON=python3.12 demo"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check uv

.venv/.run: .venv/bin/uv requirements/run.txt pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements/run.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

.venv/.dev: .venv/bin/uv requirements/dev.txt pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

clean:
	rm -rf .venv runs build dist
