#!/bin/sh
# Set everything up and run the whole test suite; arguments go to pytest: sh test.sh -m 'not slow'
set -eu
cd "$(dirname "$0")"
. .ci/venv.sh
venv_with requirements.txt tests/requirements.txt
.venv/bin/ruff check .
# One test at a time to each worker: the slow ones stand side by side at the end, and would all go to one.
exec .venv/bin/python -m pytest -n 2 --maxschedchunk=1 "$@"
