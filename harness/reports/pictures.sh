#!/bin/sh
# The pages of the ten failures in TEN.md, and a picture of each: harness/reports/pictures.sh FOLDER
# Needs a built temblor on the PATH, and chromium.
set -eu
folder=$1
plans=$(cd "$(dirname "$0")/../../workloads/demonstrations" && pwd)
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
number=0
while read -r system bug; do
  number=$((number + 1))
  temblor run "$system" --bug "$bug" -x sim --plan "$plans/$bug.json" --out "$folder/$number" >/dev/null 2>&1 || true
  page=$(cd "$folder/$number/latest" && pwd -P)/report.html
  profile=$(mktemp -d)
  chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$profile" \
    --window-size=1400,1700 --screenshot="$folder/$number.png" "file://$page" >/dev/null 2>&1
  rm -rf "$profile"
  echo "$number  $system, $bug: $page, $folder/$number.png"
done <<'TEN'
eager forgets-itself
eager delivers-every-copy
eager forgets-relay
eager-uniform delivers-without-majority
fifo skips-gap
causal off-by-one
total-lamport delivers-without-waiting
total-sequencer second-leader
raft forgets-vote
raft elects-any-log
TEN
