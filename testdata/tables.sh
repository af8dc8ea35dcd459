#!/bin/sh
# The runs behind the tables of testdata/mnist and testdata/compare, and the tables.
#
#   make tables [JOBS=2] [DEVICE=openblas] [RUNS=runs/tables]
#
# It takes MNIST, and about an hour on two idle cores. A run that is there is not made
# again, so the same command goes on after a stop.
set -eu
cd "$(dirname "$0")/.."
: "${JOBS:=2}" "${DEVICE:=openblas}" "${RUNS:=runs/tables}"
export RUNS DEVICE
mkdir -p "$RUNS"

# A line a run: its name, and its flags. Names end with the seed.
others() { # the run of the picture with its dense network, and budgets of parameters
	echo "picture-1 --keep 38 --seed 1 --baseline"
	for seed in 1 2 3; do echo "parameters-$seed --max-params 7965 --seed $seed"; done
}

certificates() { # the market beside false ones, on held-out samples
	for seed in 1 2 3 4 5; do
		for kept in 15 38; do
			for worth in outputs lottery reverse; do
				echo "$worth-$kept-$seed --keep $kept --seed $seed --worth $worth --validation 0.1 --evaluate-on validation"
			done
		done
	done
}

# Methods at the market's shape, with the learning rates that were best of 0.001, 0.002 and
# 0.004 on a tenth of the training part, with seed 1.
method() { # name kept shape rate flags
	for seed in 1 2 3 4 5 6 7 8; do
		echo "$1-at-$2-$seed --shape $3 --learning-rate $4 --seed $seed --certify-steps 0 $5"
	done
}

ranking="--game ranking --criterion"
methods() {
	method market 15 10-5 0.004 ""
	method compensated 15 10-5 0.004 "--compensate full"
	method magnitude 15 10-5 0.004 "$ranking magnitude"
	method path 15 10-5 0.002 "$ranking path-magnitude"
	method lsq 15 10-5 0.002 "$ranking outputs --compensate full"
	method obs 15 10-5 0.002 "$ranking obs --compensate full"
	method random 15 10-5 0.001 "$ranking random"
	method market 38 25-13 0.002 ""
	method compensated 38 25-13 0.004 "--compensate full"
	method magnitude 38 25-13 0.001 "$ranking magnitude"
	method path 38 25-13 0.004 "$ranking path-magnitude"
	method lsq 38 25-13 0.002 "$ranking outputs --compensate full"
	method random 38 25-13 0.001 "$ranking random"
	method market 154 103-51 0.004 ""
	method magnitude 154 103-51 0.004 "$ranking magnitude"
	method path 154 103-51 0.002 "$ranking path-magnitude"
	method lsq 154 103-51 0.002 "$ranking outputs --compensate full"
	method random 154 103-51 0.001 "$ranking random"
}

{ others; certificates; methods; } | xargs -P "$JOBS" -L 1 sh -c '
	name=$0
	[ -e "$RUNS/$name/result.json" ] && exit 0
	rm -rf "$RUNS/$name"
	bin/nashprune train --data mnist --epochs 20 --device "$DEVICE" "$@" --out "$RUNS/$name" >"$RUNS/$name.log" 2>&1 ||
		{ echo "$name failed: see $RUNS/$name.log" >&2; exit 255; }
	echo "$name"'

# accuracy prints that of the pruned network of a run.
accuracy() {
	sed -n '/"pruned": {/,/^ *}/s/^ *"accuracy": \([0-9.]*\).*/\1/p' "$RUNS/$1/result.json"
}

echo
echo "method at kept: mean, deviation, accuracies by seed; difference to the market, paired, with its standard error"
for kept in 15 38 154; do
	for name in market compensated magnitude path lsq obs random; do
		[ -e "$RUNS/$name-at-$kept-1/result.json" ] || continue
		for seed in 1 2 3 4 5 6 7 8; do
			echo "$(accuracy "$name-at-$kept-$seed") $(accuracy "market-at-$kept-$seed")"
		done | awk -v name="$name" -v kept="$kept" '
			{ a[NR] = $1; d[NR] = $1 - $2; sum += $1; sumd += $1 - $2 }
			END {
				mean = sum / NR; meand = sumd / NR
				for (i = 1; i <= NR; i++) { v += (a[i] - mean)^2; w += (d[i] - meand)^2; list = list " " a[i] }
				printf "%-14s %4d  %.2f +- %.2f (%s )  %+.2f +- %.2f\n", name, kept, mean, sqrt(v / (NR - 1)), list, meand, sqrt(w / (NR - 1) / NR)
			}'
	done
done

echo
echo "worth, kept, seed: verdict of the model, its ratio with the interval; verdict of the network"
for kept in 15 38; do
	for worth in outputs lottery reverse; do
		for seed in 1 2 3 4 5; do
			awk -v name="$worth $kept $seed" '
				/"model": {/ { part = "model" } /"bid_ask": {/ { part = "network" }
				/"verdict":/ && !(part in verdict) { gsub(/[",]/, ""); verdict[part] = $2 }
				/"gap_over_expected": {/ { ratio = 1 }
				ratio && /"(mean|low|high)":/ { gsub(/,/, ""); interval = interval sprintf(" %.2f", $2); if (/high/) ratio = 0 }
				END { print name ":", verdict["model"] interval "; " verdict["network"] }' "$RUNS/$worth-$kept-$seed/equilibrium.json"
		done
	done
done
