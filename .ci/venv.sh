# Sourced by demo.sh and test.sh from the project's folder: a virtual environment in .venv with the given requirement
# files installed. Nothing is installed twice: of each file a stamp remembers what it said.
venv_with() {
    python=${PYTHON:-python3}
    fits='import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))'  # TensorFlow has packages for these
    if ! "$python" -c "$fits" 2>/dev/null; then
        echo "error: Python 3.10 to 3.13 is needed; set PYTHON to its command (tried: $python)" >&2
        return 2
    fi
    if [ ! -e .venv ] && [ ! -L .venv ]; then
        echo "making the virtual environment .venv"
        "$python" -m venv .venv || {
            echo "error: '$python -m venv' failed; on Debian and Ubuntu install the package python3-venv" >&2
            return 2
        }
    elif ! .venv/bin/python -c "import pip, sys
sys.prefix == sys.base_prefix and sys.exit(1)
$fits" 2>/dev/null; then
        echo "error: .venv is not a whole virtual environment of Python 3.10 to 3.13 with pip; remove it (rm -r .venv)" \
            "and run this again" >&2
        return 2
    fi
    for file in "$@"; do
        stamp=$(cksum <"$file") noted=.venv/$(echo "$file" | tr / _).stamp
        if [ "$(cat "$noted" 2>/dev/null)" != "$stamp" ]; then
            echo "installing $file (TensorFlow is large: a minute or more)"
            .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$file" || return 2
            echo "$stamp" >"$noted"
        fi
    done
}
