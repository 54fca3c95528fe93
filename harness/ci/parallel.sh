#!/bin/sh
# One campaign in shards side by side with GNU parallel:  parallel.sh CAMPAIGN SHARDS OUT
# A shard that was lost is made again alone:              ONLY=3 parallel.sh CAMPAIGN SHARDS OUT
# Then:                                                   temblor merge OUT/*/*-campaign-*
set -u
campaign=$1 shards=$2 out=$3
temblor=${TEMBLOR:-temblor}
jobs=${JOBS:-$shards}
# Exit codes other than 0 are findings, not reasons to stop; `temblor merge` counts them all.
seq 1 "$shards" | grep -x "${ONLY:-[0-9]*}" |
  parallel --jobs "$jobs" --line-buffer \
    "$temblor" campaign "$campaign" --seed "${SEED:-1}" --shard "{}/$shards" --out "$out/{}" \
    --regressions "$out/{}/regressions" || true
