# Two commands are enough on a fresh machine: `make demo` runs the main job, `make test` the tests.
# Each makes its own virtual environment (.venv) and installs what is missing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKSPACE ?= outputs
JOBS ?= 2

.PHONY: help demo test check docs bench clean

help:
	@echo "make demo               the whole job on simulated workouts, offline, in a few minutes"
	@echo "make demo DATA=folder   run the main job on a QEVD data set or a folder of videos (EXERCISE=squats names it)"
	@echo "make test               format, types, docs and tests"
	@echo "make docs               the docs site, in build/site (open index.html there)"
	@echo "make versions           installs the wheel with the newest and the lowest releases and tries both (an hour, 6 GB)"
	@echo "make bench              benchmarks, printed as ratios (several minutes)"

$(VENV)/ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	# MediaPipe brings an OpenCV that needs a display's libraries; the headless build of the same version does not.
	$(BIN)/python -c 'import cv2' 2>/dev/null || $(BIN)/python -m pip install -q --no-deps --force-reinstall opencv-python-headless==4.11.0.86
	touch $@

# WordNet, for METEOR: Debian's packages where we may install them, NLTK's own download elsewhere.
$(VENV)/wordnet: $(VENV)/ready
	@if [ -e /usr/share/wordnet/index.sense ]; then :; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  (apt-get install -qq -y wordnet-base wordnet-sense-index || (apt-get update -qq && apt-get install -qq -y wordnet-base wordnet-sense-index)) >/dev/null 2>&1 \
	  || echo "WordNet could not be installed; METEOR will be reported as unavailable"; \
	else $(BIN)/python -m nltk.downloader -q wordnet omw-1.4 || echo "WordNet could not be downloaded; METEOR will be reported as unavailable"; fi
	@touch $@

demo: $(VENV)/ready $(VENV)/wordnet
ifeq ($(DATA),)
	$(BIN)/qevd-bio demo --out "$(WORKSPACE)/demo" --jobs $(JOBS)
else
	$(BIN)/qevd-bio segments --data "$(DATA)" --workspace "$(WORKSPACE)" $(if $(EXERCISE),--exercise "$(EXERCISE)")
	$(BIN)/qevd-bio extract --data "$(DATA)" --workspace "$(WORKSPACE)" --jobs $(JOBS) $(if $(EXERCISE),--exercise "$(EXERCISE)")
endif

check: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@$(MAKE) --no-print-directory docs

# Built without any outside request; a broken link or reference is an error.
docs: $(VENV)/ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

test: check $(VENV)/wordnet
	$(BIN)/python -m pytest -n 2

bench: $(VENV)/ready $(VENV)/wordnet
	@for script in tests/benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

# PINS=torch==2.13.0 chooses a build, for example one for CPUs.
versions: $(VENV)/ready
	$(BIN)/python tests/tools/versions.py --folder "$(WORKSPACE)/versions" $(foreach pin,$(PINS),--extra-pin $(pin))

clean:
	rm -rf $(VENV) build dist *.egg-info
