# shellcheck shell=bash
# What the scripts beside this file share. Sourced, never run.

# ARNGATE_TOOLS is where Python environments and an engine's data are kept, outside the repository.
ARNGATE_TOOLS=${ARNGATE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/arngate}

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# apt_install PACKAGE... installs Debian packages, or says what is missing where it can't.
apt_install() {
  [ "$(id -u)" = 0 ] || fail "This needs the packages: $*. Install them, or run this as root on Debian or Ubuntu."
  command -v apt-get >/dev/null || fail "This needs the packages: $*. There is no apt-get here to install them with."
  say "Installing $* ..."
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 && return
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# python_tools NAME makes the Python environment that .ci/NAME.txt pins, once for each content of that file, and puts
# its programs first on PATH.
python_tools() {
  local pins=.ci/$1.txt home
  home=$ARNGATE_TOOLS/$1-$(cksum <"$pins" | cut -d' ' -f1)
  if [ ! -e "$home/complete" ]; then
    command -v python3 >/dev/null || apt_install python3 python3-venv
    rm -rf "$home" && mkdir -p "$ARNGATE_TOOLS"
    python3 -m venv "$home" 2>/dev/null || { apt_install python3-venv && python3 -m venv "$home"; }
    say "Installing what $pins pins ..."
    "$home/bin/pip" install --quiet --disable-pip-version-check --requirement "$pins"
    touch "$home/complete"
  fi
  export PATH=$home/bin:$PATH
}
