#!/usr/bin/env bash
# redis-benchmark: runs, with and without a pipeline, and nothing it sends is refused.
set -euo pipefail
socket=$1
bench() {
  local said
  said=$(redis-benchmark -s "$socket" -q "$@" 2>&1 | tr '\r' '\n')
  echo "$said" | tail -n 1
  if grep -qiE 'error|refused|denied' <<<"$said"; then
    echo "$said"
    return 1
  fi
  grep -qE 'requests per second' <<<"$said"
}
bench -n 2000 -c 10 PING
bench -n 2000 -c 50 -r 1000000 TICKET.OPEN bench-__rand_int__ policy none queue none
bench -n 20000 -c 16 -P 32 -r 1000000 TICKET.OPEN bench-pipe-__rand_int__ policy none queue none
bench -n 2000 -c 10 XLEN events
