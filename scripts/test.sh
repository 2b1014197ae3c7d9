#!/bin/sh
#
# `npm test`: types, lint, format and every test that needs no Ceph. Arguments go to vitest.
set -eu
. "$(dirname -- "$0")/ready.sh"

step() {
  name=$1
  shift
  echo "== $name: $*"
  "$@" || {
    status=$?
    echo "== $name failed" >&2
    exit "$status"
  }
}

step "types of the packages" tsc -b
step "types of tests and scripts" tsc -p scripts/tsconfig.json
step "lint" oxlint packages scripts
step "format" oxfmt --check .
step "tests" vitest run --config vitest.workspace.ts --project '!ceph' "$@"
