# Two commands do everything on a fresh machine: `make demo` and `make test`. Both set up .venv by themselves.
PYTHON ?= python3
BIN := .venv/bin
# An environment beside it, with JAX's CUDA plug-in; `make slow` uses it where it is there.
H100 := .venv-h100

# A file of tests stays in one worker, which then makes its sweeps and compiles its programs once; what both workers compile,
# or a run before this one did, is read from a folder.
PYTEST := MEMJAX_TEST_CACHE=$${MEMJAX_TEST_CACHE:-$(CURDIR)/.pytest_cache/programs} $(BIN)/python -m pytest -n 2 --dist loadfile
# Half of the time of the fast tests goes to the compiler. The same programs without its optimisations take a fifth less; all
# other commands test what users run.
UNOPTIMISED := JAX_DISABLE_MOST_OPTIMIZATIONS=1
# The tests of numbers, which float64 must not change; the files that name no type of their own.
NUMERICAL := tests/engine/test_reference.py $(addprefix tests/parts/test_, losses.py schedules.py optimizer_ranges.py \
	optimizer_factories.py examples_and_measures.py mlp.py dimensionality.py grokking_measures.py layers_dense.py) \
	tests/engine/test_families.py::test_every_optimizer_leaves_padding_at_zero_and_moves_the_rest_as_alone[norm-widths]
# Left out there: sentences with the word float32 in them, whole numbers (float64 then) beside float32 inputs, and JAX's own default type.
FLOAT32 := gives_no_rate or whole_number_inputs or settings_are_left_alone

.PHONY: demo quick studies test slow long h100 x64 newer lint types docs check clean

demo: .venv/ready  ## the published experiment at full size: data, figures, published numbers beside ours
	$(BIN)/memjax study l2-memorization --scale paper --seeds 4 --out runs/l2-memorization-paper

quick: .venv/ready  ## the same in about a minute
	$(BIN)/memjax study l2-memorization --scale quick --out runs/l2-memorization-quick

studies: .venv/ready  ## every study at its quick scale, about three quarters of an hour; open runs/*-quick/report.html
	for study in $$($(BIN)/memjax studies | cut -d" " -f1); do $(BIN)/memjax study $$study --out runs/$$study-quick || exit 1; done

test: .venv/ready  ## every idea once, and the doctests: about six minutes on two idle cores
	$(UNOPTIMISED) $(PYTEST)

slow: .venv/ready  ## further cases of them, the pages' examples and the notebooks: about half an hour
	$(PYTEST) -m slow

long: .venv/ready  ## evidence that trains or samples for long: exact values, every study from end to end, real faults
	$(PYTEST) -m long

h100: $(H100)/ready  ## programs compiled for an H100, without one: two minutes; installs 360 MB of wheels the first time
	$(H100)/bin/python -m pytest -m "slow or not slow" tests/benchmarks/test_compiled_for_h100.py

x64: .venv/ready  ## the numerical tests with float64 enabled
	JAX_ENABLE_X64=1 $(PYTEST) $(NUMERICAL) -k "not ($(FLOAT32))"

newer: .venv/ready  ## the fast tests on the newest Python beside this one, if there is one
	.ci/newer

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready
	$(BIN)/mypy

docs: .venv/ready  ## the site of the pages, the reference and the gallery; open docs/_build/html/index.html
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs docs/_build/html
	$(BIN)/python docs/site/check.py docs/_build/html

check: lint types test

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

$(H100)/ready: pyproject.toml constraints.txt requirements-h100.txt
	$(PYTHON) -m venv $(H100)
	$(H100)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e . pytest
	$(H100)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-h100.txt
	touch $@

clean:
	rm -rf .venv $(H100) build dist .pytest_cache .ruff_cache .mypy_cache docs/_build docs/reference docs/tutorials docs/pictures docs/changelog.md docs/contributing.md
