# Two commands do all the set-up: `make demo` and `make test`. Both are quick the second time.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
DEMO := demo
TAKES := 72
TIMEPOINTS := 40
SIZE := 112
# What a small model learns to see and tell in five minutes; all that HybridOR can be asked takes twice as long.
LEARNT := count_people current_action current_robot_step did_happen interaction is_robot_calibrated \
	next_robot_step role_people status_action time_until_step tools_used
TASKS := $(addprefix --task ,$(LEARNT))
# Threads that wait for one another spin: tests run in processes instead.
ONE_THREAD := OMP_NUM_THREADS=1

.PHONY: demo test lint types unit fuzz clean

demo: $(DEMO)/eval/index.html
	@$(BIN)/python -c "import pathlib; print('Look at', pathlib.Path('$(DEMO)/eval/index.html').resolve().as_uri())"

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@$(BIN)/python -m compileall -q orqa_registry shards train plugins
	@touch $@

$(DEMO)/raw/hybridor.json: | $(READY)
	$(BIN)/orqa-registry synth --out $(DEMO)/raw --takes $(TAKES) --timepoints $(TIMEPOINTS) --size $(SIZE)

$(DEMO)/shards/manifest.json: $(DEMO)/raw/hybridor.json
	$(BIN)/orqa-registry shard HybridOR --root $(DEMO)/raw --out $(DEMO)/shards --force

# A model of older shards makes way; a run that was stopped goes on.
$(DEMO)/model/config.json: $(DEMO)/shards/manifest.json
	@if [ -e $@ ]; then rm -rf $(DEMO)/model; fi
	$(BIN)/orqa-registry train --data $(DEMO)/shards --recipe tiny $(TASKS) --out $(DEMO)/model \
		$(if $(wildcard $(DEMO)/model/checkpoints/*),--resume)

$(DEMO)/eval/index.html: $(DEMO)/model/config.json
	$(BIN)/orqa-registry eval --data $(DEMO)/shards --split test $(TASKS) \
		--answerer $(DEMO)/model --answerer blind --out $(DEMO)/eval

test: lint types unit

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

unit: $(READY)
	$(ONE_THREAD) $(BIN)/python -m pytest -q -n 2

# Fresh seeds and ten times the examples, for finding what `make test`, which draws the same each time, has not met.
fuzz: $(READY)
	ORQA_HYPOTHESIS=fuzz $(ONE_THREAD) $(BIN)/python -m pytest -q -n 2 -m hypothesis

clean:
	rm -rf $(DEMO)
