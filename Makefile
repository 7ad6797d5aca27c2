# Two commands are enough on a fresh machine: `make demo` runs the main job, `make test` the tests.
# Each makes its own virtual environment (.venv) and installs what is missing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKSPACE ?= outputs
JOBS ?= 2

.PHONY: help demo test check docs bench equality clean

help:
	@echo "make demo               the whole job on simulated workouts, offline, in a few minutes"
	@echo "make demo DATA=folder   run the main job on a QEVD data set or a folder of videos (EXERCISE=squats names it)"
	@echo "make test               format, types, docs and tests"
	@echo "make docs               the docs site, in build/site (open index.html there)"
	@echo "make equality           landmarks against MediaPipe's own"
	@echo "make versions           installs the wheel with the newest and the lowest releases and tries both (an hour, 6 GB)"
	@echo "make bench              benchmarks, printed as ratios (several minutes)"

$(VENV)/ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

# The pose model, checked by its hash, in the user's cache; `qevd-bio models` says where.
$(VENV)/models: $(VENV)/ready refs/models.yaml
	@$(BIN)/qevd-bio models fetch pose-full 2>/dev/null || $(BIN)/qevd-bio models fetch pose-full
	@touch $@

# MediaPipe as a peer that landmarks and speed are compared with: beside the environment, because it asks for an old numpy.
$(VENV)/peers: $(VENV)/ready
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --target $@ mediapipe==0.10.21 absl-py attrs flatbuffers 'protobuf<5'

# WordNet, for METEOR: Debian's packages where we may install them, NLTK's own download elsewhere.
$(VENV)/wordnet: $(VENV)/ready
	@if [ -e /usr/share/wordnet/index.sense ]; then :; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  (apt-get install -qq -y wordnet-base wordnet-sense-index || (apt-get update -qq && apt-get install -qq -y wordnet-base wordnet-sense-index)) >/dev/null 2>&1 \
	  || echo "WordNet could not be installed; METEOR will be reported as unavailable"; \
	else $(BIN)/python -m nltk.downloader -q wordnet omw-1.4 || echo "WordNet could not be downloaded; METEOR will be reported as unavailable"; fi
	@touch $@

demo: $(VENV)/ready $(VENV)/models $(VENV)/wordnet
ifeq ($(DATA),)
	$(BIN)/qevd-bio demo --out "$(WORKSPACE)/demo" --jobs $(JOBS)
else
	$(BIN)/qevd-bio check "$(DATA)" --workspace "$(WORKSPACE)" --jobs $(JOBS) $(if $(EXERCISE),--exercise "$(EXERCISE)")
endif

check: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@$(MAKE) --no-print-directory docs

# Built without any outside request; a broken link or reference is an error.
docs: $(VENV)/ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

test: check $(VENV)/models $(VENV)/wordnet
	$(BIN)/python -m pytest -n 2

bench: $(VENV)/models $(VENV)/wordnet $(VENV)/peers
	@for script in tests/benchmarks/bench_*.py; do echo "== $$script"; PYTHONPATH=$(VENV)/peers $(BIN)/python $$script || exit 1; done

# Landmarks against MediaPipe's own.
equality: $(VENV)/models $(VENV)/peers
	PYTHONPATH=$(VENV)/peers $(BIN)/python -m pytest -s tests/pose/backends/test_equality.py

# PINS=torch==2.13.0 chooses a build, for example one for CPUs.
versions: $(VENV)/ready
	$(BIN)/python tests/tools/versions.py --folder "$(WORKSPACE)/versions" $(foreach pin,$(PINS),--extra-pin $(pin))

clean:
	rm -rf $(VENV) build dist *.egg-info
