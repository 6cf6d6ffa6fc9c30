#!/bin/sh
# Brings uv into .tools/uv with nothing but a Python: sh tools/uv.sh PYTHON VERSION
set -eu
python=$1 version=$2

if ! command -v "$python" >/dev/null 2>&1; then
    echo "bargein needs Python 3.11 or newer, and there is no $python." >&2
    echo "Install it (Debian, Ubuntu: apt install python3 python3-venv), or name one: make PYTHON=/path/to/python" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "bargein needs Python 3.11 or newer; $python is $("$python" -V 2>&1)." >&2
    echo "Name a newer one: make PYTHON=python3.12" >&2
    exit 1
fi
fetched() {
    "$@" --quiet --disable-pip-version-check "uv==$version" && return 0
    rm -rf .tools/uv
    echo "uv $version could not be fetched: go online, and run the same command again." >&2
    exit 1
}

rm -rf .tools/uv
if "$python" -m venv .tools/uv >/dev/null 2>&1; then
    fetched .tools/uv/bin/python -m pip install
elif "$python" -m pip --version >/dev/null 2>&1; then
    # Debian's Python without python3-venv: pip can still fill a folder.
    rm -rf .tools/uv
    fetched "$python" -m pip install --target .tools/uv
else
    rm -rf .tools/uv
    echo "$python has neither venv nor pip, so uv can't be brought in." >&2
    echo "Install one of them (Debian, Ubuntu: apt install python3-venv)." >&2
    exit 1
fi
.tools/uv/bin/uv --version
