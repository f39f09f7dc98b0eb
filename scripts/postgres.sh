#!/usr/bin/env bash
# See to it that the database tests have PostgreSQL's server programs: from Debian. The tests start and stop a server themselves.
set -euo pipefail

programs=(initdb postgres pg_ctl)

find_postgres() { # the folder that holds all of them: of the PATH, or where Debian keeps each version's
  local folders folder program
  IFS=: read -ra folders <<<"$PATH"
  for folder in "${folders[@]}" /usr/lib/postgresql/*/bin; do
    for program in "${programs[@]}"; do
      [ -x "$folder/$program" ] || continue 2
    done
    echo "$folder"
    return
  done
  return 1
}

if find_postgres >/dev/null; then exit 0; fi

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo -n "$@"; else return 1; fi
}

no_cluster() { # Debian's package would make and start a server of its own; who has settings for that keeps them
  local settings=/etc/postgresql-common/createcluster.conf
  if [ ! -e "$settings" ]; then
    as_root mkdir -p "${settings%/*}" && echo "create_main_cluster = false" | as_root tee "$settings" >/dev/null
  fi
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if command -v apt-get >/dev/null; then
  echo "postgres: installing postgresql from Debian for the database tests ..." >&2
  if as_root apt-get update -qq >"$log" 2>&1 && no_cluster >>"$log" 2>&1 &&
    as_root env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 \
      apt-get install -y -qq --no-install-recommends postgresql >>"$log" 2>&1 && find_postgres >/dev/null; then
    exit 0
  fi
  tail -n 3 "$log" >&2
fi

echo "postgres: no PostgreSQL server here, and it could not be installed." >&2
echo "          sudo apt-get install postgresql, then run make test again." >&2
if [ -n "${CI:-}" ]; then exit 1; fi
echo "          Going on without the tests on PostgreSQL." >&2
