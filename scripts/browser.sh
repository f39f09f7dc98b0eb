#!/usr/bin/env bash
# See to it that the browser journeys have a Chromium and a font with musical signs: both from Debian.
set -euo pipefail

find_chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
has_font() { command -v fc-list >/dev/null && fc-list : family 2>/dev/null | grep -q .; }

if { [ -n "${CHROMIUM:-}" ] || find_chromium >/dev/null; } && has_font; then exit 0; fi

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo -n "$@"; else return 1; fi
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if command -v apt-get >/dev/null; then
  echo "browser: installing chromium and a font from Debian for the browser tests ..." >&2
  if as_root apt-get update -qq >"$log" 2>&1 &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      chromium fontconfig fonts-dejavu-core >>"$log" 2>&1 && find_chromium >/dev/null; then
    exit 0
  fi
  tail -n 3 "$log" >&2
fi

echo "browser: no Chromium here, and it could not be installed." >&2
echo "         sudo apt-get install chromium fonts-dejavu-core, then run make test again." >&2
if [ -n "${CI:-}" ]; then exit 1; fi
echo "         Going on without the browser tests." >&2
