#!/bin/sh
# Set everything up and run the whole test suite; arguments go to pytest: sh test.sh -m 'not slow'
set -eu
cd "$(dirname "$0")"
. .ci/venv.sh
venv_with requirements.txt tests/requirements.txt
.venv/bin/ruff check .
exec .venv/bin/python -m pytest -n 2 "$@"
