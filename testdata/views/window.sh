#!/usr/bin/env bash
# Takes a picture of the window in the middle of a run on the digits, on a display of its own.
# Arguments: the program, built by make view, and the picture. It takes Xvfb and xdotool.
set -euo pipefail
folder=$(mktemp -d)
mkfifo "$folder/display"
Xvfb -displayfd 3 -screen 0 1280x1024x24 -nolisten tcp 3>"$folder/display" 2>/dev/null & display=$!
DISPLAY=:$(head -n 1 "$folder/display")
export DISPLAY
"$1" train --device vulkan --data digits --keep 38 --quiet --view --out "$folder/run" >/dev/null & run=$!
trap 'kill $run; wait $run || true; kill $display; rm -r "$folder"' EXIT
until [ "$(grep -c '"round"' "$folder/run/metrics.jsonl" 2>/dev/null)" -ge 14 ] 2>/dev/null; do
  kill -0 $run # else it has failed
  sleep 0.1
done
until [ -s "$folder/run/view-1.png" ]; do
  xdotool search --name '^Nashprune$' key s
  sleep 0.5
done
sleep 1 # it is written whole
cp "$folder/run/view-1.png" "$2"
