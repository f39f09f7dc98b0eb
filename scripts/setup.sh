#!/usr/bin/env bash
# Make .venv and install one requirements file into it, unless that has been done already.
#   scripts/setup.sh requirements.txt
#
# "Done" is a stamp that names the contents of the requirements files and the Python version, written last: an install that
# was interrupted has no stamp and is taken up again, and a changed requirements file has another one.
set -euo pipefail
cd "$(dirname "$0")/.."

requirements=${1:?usage: scripts/setup.sh REQUIREMENTS_FILE}
venv=${VENV:-.venv}
say() { printf '%s\n' "$*" >&2; }
fail() { say "setup: $1"; shift; for line in "$@"; do say "       $line"; done; exit 1; }

as_root() { # run a command as root where that is possible without asking
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo -n "$@"; else return 1; fi
}

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3 python; do
    if command -v "$candidate" >/dev/null &&
      "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  fail "no Python 3.11 to 3.13 was found." "Install it (on Debian: apt-get install python3) or name one: make PYTHON=/path/to/python3.11"
}

make_venv() {
  local python=$1 log
  log=$(mktemp)
  if ! "$python" -m venv --clear "$venv" >"$log" 2>&1; then
    # Debian splits venv's ensurepip into a package of its own.
    say "setup: Python's venv module is incomplete here; trying to install Debian's python3-venv."
    if ! { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv; } >>"$log" 2>&1 ||
      ! "$python" -m venv --clear "$venv" >>"$log" 2>&1; then
      tail -n 5 "$log" >&2
      rm -f "$log"
      fail "a virtual environment could not be made with $python." "On Debian: sudo apt-get install python3-venv, then run make again."
    fi
  fi
  rm -f "$log"
}

stamp_name() { # the Python that runs the environment, and what both requirements files say
  { "$venv/bin/python" -VV; cat requirements.txt "$requirements"; } | cksum | tr ' ' '-'
}

exec 9>"$venv.lock" # two makes at once: the second waits for the first
if command -v flock >/dev/null; then flock 9; fi

if ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
  make_venv "$(find_python)"
fi
stamp="$venv/.installed-$(basename "$requirements" .txt)-$(stamp_name)"
[ -e "$stamp" ] && exit 0

say "setup: installing $requirements into $venv (a few minutes the first time) ..."
rm -f "$venv"/.installed-"$(basename "$requirements" .txt)"-*
quiet=(-qq --disable-pip-version-check --no-input --retries 5 --timeout 60)
# The install runs as a whole or not at all as far as the stamp goes; pip's own errors are shown.
"$venv/bin/python" -m pip install "${quiet[@]}" --root-user-action=ignore -r "$requirements" ||
  fail "pip could not install $requirements." "Check the network or the package index, then run make again: it goes on from here."
touch "$stamp"
say "setup: done."
