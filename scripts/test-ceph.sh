#!/usr/bin/env bash
#
# `npm run test:ceph`: the live tests (packages/*/test/**/*.live.test.ts) against real Ceph, one fresh cluster per cell.
#
#   test-ceph.sh [RELEASE...] [-- VITEST ARGUMENTS]     releases: 16, 18, 20; default ${CEPH_RELEASES:-16 18}
#
# A live test finds its cluster in CEPH_RELEASE, CEPH_AUTH (none, cephx), CEPH_MODE (crc, secure), CEPH_CONF, CEPH_FSID,
# CEPH_MON_HOST, CEPH_KEYRING, and in CEPH_DIR what scripts/ceph-cluster.sh takes as --dir. A cell whose tests cannot be
# run, or that runs none, counts as one failure. The last line is "N passed, M failed".
set -euo pipefail
. "$(dirname -- "$0")/ready.sh"

cluster=$PWD/scripts/ceph-cluster.sh
cells=("none crc" "cephx crc" "cephx secure")
releases=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  releases+=("$1")
  shift
done
[ "${1:-}" != -- ] || shift
[ ${#releases[@]} -gt 0 ] || read -ra releases <<<"${CEPH_RELEASES:-16 18}"
for release in "${releases[@]}"; do
  case $release in 16 | 18 | 20) ;; *)
    echo "test-ceph: releases are 16, 18 and 20, not '$release'" >&2
    exit 2
    ;;
  esac
done

work=$(mktemp -d "${TMPDIR:-/tmp}/msgr2-ceph.XXXXXX")
dir='' child='' passed=0 failed=0 table=()

# Runs CMD in the background, so that this shell answers signals while it waits.
wait_for() {
  local status=0
  "$@" </dev/null &
  child=$!
  wait "$child" || status=$?
  child=
  return "$status"
}

down() {
  [ -z "$dir" ] || "$cluster" down --dir "$dir" || true
  dir=
}

on_exit() {
  if [ -n "$child" ]; then
    kill "$child" 2>/dev/null || true
    wait "$child" || true
  fi
  down
  # What failed is kept for a look; what was broken off is not.
  rm -f "$work/info" "$work/report.json"
  if [ -n "$interrupted" ]; then rm -rf --one-file-system "$work"; else rmdir "$work" 2>/dev/null || true; fi
}
interrupted=
trap on_exit EXIT
trap 'interrupted=yes; exit 130' INT
trap 'interrupted=yes; exit 143' TERM HUP

# A port below the ephemeral ones such that it and those the cluster may take after it are free.
free_port() {
  local base port tries
  for tries in {1..100}; do
    base=$((20000 + RANDOM % 120 * 100))
    for port in "$base" $((base + 1)) $((base + 2)) $((base + 10)) $((base + 11)); do
      if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue 2; fi
    done
    echo "$base"
    return
  done
  echo "test-ceph: no free ports in $tries tries" >&2
  return 1
}

# record CELL NOTE PASSED FAILED SKIPPED SECONDS
record() {
  table+=("$(printf '%-20s %7s %7s %8s %6ss  %s' "$1" "$3" "$4" "$5" "$6" "$2")")
  passed=$((passed + $3))
  failed=$((failed + $4))
}

# Prints "passed failed skipped" from vitest's JSON report; zeros when there is none.
counts() {
  node -e '
    let report = {}
    try { report = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8")) } catch {}
    const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0 } = report
    console.log(numPassedTests, numFailedTests, numPendingTests)' "$1"
}

run_cell() {
  local release=$1 auth=$2 mode=$3 port status=0 note=ok good bad skipped cell="$1 $2 $3" start=$SECONDS
  shift 3
  echo
  echo "== Ceph $cell"
  port=$(free_port)
  dir=$work/$release-$auth-$mode
  if ! wait_for "$cluster" up --release "$release" --auth "$auth" --mode "$mode" --dir "$dir" --port "$port" >"$work/info"; then
    record "$cell" "the cluster did not come up" 0 1 0 $((SECONDS - start))
    down
    return
  fi
  cat "$work/info"
  field() { sed -n "s/^$1=//p" "$work/info"; }
  wait_for timeout -k 10 600 env CEPH_RELEASE="$release" CEPH_AUTH="$auth" CEPH_MODE="$mode" CEPH_CONF="$(field conf)" \
    CEPH_FSID="$(field fsid)" CEPH_MON_HOST="$(field mon_host)" CEPH_KEYRING="$(field keyring)" CEPH_DIR="$dir" \
    vitest run --config vitest.workspace.ts --project ceph --reporter=default --reporter=json \
    --outputFile.json="$work/report.json" "$@" || status=$?
  read -r good bad skipped < <(counts "$work/report.json")
  if [ "$status" = 124 ]; then
    note="stopped after 600 s"
  elif [ "$bad" -gt 0 ]; then
    note="see above"
  elif [ "$status" -ne 0 ]; then
    note="vitest ended with $status"
  elif [ "$good" = 0 ]; then
    note="no live test ran"
  fi
  if [ "$note" != ok ]; then
    [ "$bad" -gt 0 ] || bad=1
    note+="; logs: $dir/log"
    echo "== how the monitor's log ends:"
    tail -n 25 "$dir/log/mon.a.log" || true
  fi
  record "$cell" "$note" "$good" "$bad" "$skipped" $((SECONDS - start))
  local done_dir=$dir
  down
  rm -f "$work/info" "$work/report.json"
  [ "$note" != ok ] || rm -rf --one-file-system "$done_dir"
}

for release in "${releases[@]}"; do
  echo "== Ceph $release: prepare"
  if wait_for "$cluster" prepare --release "$release" --mds 1; then
    for cell in "${cells[@]}"; do
      # shellcheck disable=SC2086 # two words: auth and mode
      run_cell "$release" $cell "$@"
    done
  else
    for cell in "${cells[@]}"; do record "$release $cell" "Ceph could not be installed" 0 1 0 0; done
  fi
done

echo
printf '%-20s %7s %7s %8s %7s  %s\n' "ceph auth mode" passed failed skipped time ""
printf '%s\n' "${table[@]}"
echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
