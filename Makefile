# Needs Python 3.11+, pip and make; everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
EXTRAS := read,data,llm,clip,meteor,nets,radgraph,train,dev

.PHONY: setup demo test lint bench soak clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt weights/pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]' -e ./weights
	touch $@

demo: $(READY)
	$(BIN)/radtrace demo -o demo

test: $(READY)
	$(BIN)/pytest -n 2

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Figures of docs/benchmarks.md; needs RADTRACE_DATA.
bench: $(READY)
	$(BIN)/python benchmarks/findings.py
	$(BIN)/python benchmarks/localize.py
	$(BIN)/python benchmarks/images.py
	$(BIN)/python benchmarks/build.py
	$(BIN)/python benchmarks/metrics.py
	$(BIN)/python benchmarks/floors.py
	$(BIN)/python benchmarks/arena.py
	$(BIN)/python benchmarks/openi.py --root $(RADTRACE_DATA)/openi --split val --boxes $(RADTRACE_DATA)/boxes/nih
	$(BIN)/python benchmarks/decode.py
	$(BIN)/python benchmarks/read.py

# Long campaigns: builds that are killed at random moments until they finish; thousands of damaged films; 22,000 studies.
soak: $(READY)
	$(BIN)/python benchmarks/kill.py
	$(BIN)/python benchmarks/mutate.py
	$(BIN)/python benchmarks/memory.py

clean:
	rm -rf $(VENV) demo runs
