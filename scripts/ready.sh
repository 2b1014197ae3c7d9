#!/bin/sh
#
# Makes the checkout ready to run: node_modules as package-lock.json says and a Node that is new enough. Sourced by its
# neighbours, or run by itself; leaves the repository's root as the working directory and node_modules/.bin first in PATH.

need="22.19"
cd -- "$(dirname -- "$0")/.." || exit 1
PATH=$PWD/node_modules/.bin:$PATH
export PATH
[ -t 1 ] || [ -n "${FORCE_COLOR:-}" ] || export NO_COLOR=1

# The lock file as it was when node_modules was last installed. `npm ci` removes it together with the rest of
# node_modules, so an installation that was broken off leaves none.
stamp=node_modules/.package-lock.installed

install() (
  command -v npm >/dev/null || {
    echo "ready: npm was not found; it comes with Node (https://nodejs.org)" >&2
    exit 1
  }
  # One installation at a time: the second to come waits and finds it done.
  if command -v flock >/dev/null; then
    exec 9<package-lock.json
    flock 9
    cmp -s package-lock.json "$stamp" && exit 0
  fi
  log=$(mktemp) || exit 1
  cache=
  trap 'rm -rf "$log" ${cache:+"$cache"}' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  # What an outer npm was told to do with its own packages is not meant for this one.
  unset npm_config_workspace npm_config_workspaces npm_config_include_workspace_root npm_config_global npm_config_location \
    npm_config_omit npm_config_only npm_config_production npm_config_dry_run npm_config_package_lock_only npm_config_json
  if [ -z "${HOME:-}" ] || ! [ -w "$HOME" ]; then
    cache=$(mktemp -d) || exit 1
    export HOME="$cache" npm_config_cache="$cache/npm"
  fi
  echo "ready: installing packages (npm ci)" >&2
  npm ci --ignore-scripts --no-audit --no-fund --include=dev --include=optional >"$log" 2>&1 9<&- </dev/null || {
    cat "$log" >&2
    echo "ready: npm ci failed" >&2
    exit 1
  }
  cp package-lock.json "$stamp"
)

cmp -s package-lock.json "$stamp" || install || exit 1

if ! node -e '
  const [major, minor] = process.versions.node.split(".").map(Number)
  const [needMajor, needMinor] = process.argv[1].split(".").map(Number)
  process.exit(major > needMajor || (major === needMajor && minor >= needMinor) ? 0 : 1)' "$need"; then
  echo "ready: Node $need or newer is needed, found $(node --version 2>/dev/null || echo none)" >&2
  exit 1
fi
