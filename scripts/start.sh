#!/bin/sh
#
# `npm start`: the demonstration. Arguments go to it.
set -eu
. "$(dirname -- "$0")/ready.sh"
exec node packages/cli/src/bin.ts demo "$@"
