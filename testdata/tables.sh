#!/bin/sh
# The runs behind the tables of testdata/mnist and testdata/compare, and the tables.
#
#   make tables [JOBS=2] [DEVICE=openblas] [LATENCY=10%] [RUNS=runs/tables]
#
# LATENCY is the budget of time; where the least network takes more than a tenth, give more.
# It takes MNIST, and about two and a half hours on two idle cores. A run that is there is not made
# again, so the same command goes on after a stop.
set -eu
cd "$(dirname "$0")/.."
: "${JOBS:=2}" "${DEVICE:=openblas}" "${LATENCY:=10%}" "${RUNS:=runs/tables}"
export RUNS DEVICE
mkdir -p "$RUNS"

# A line a run: its name, and its flags. Names end with the seed.
certificates() { # the market beside false ones, on held-out samples
	for seed in 1 2 3 4 5; do
		for kept in 15 38; do
			for worth in outputs lottery reverse; do
				echo "$worth-$kept-$seed --keep $kept --seed $seed --worth $worth --validation 0.1 --evaluate-on validation"
			done
		done
	done
}

# The methods: the setting that was searched, and its best of three values at 15, 38 and 154
# players, on a tenth of the training part with seed 1; the number of seeds; flags.
methods() {
	ranking="--game ranking --criterion"
	gates="$ranking participation --rounds 1 --update hard-concrete --participation-rate 20"
	gates="$gates --benefit descent --benefit-gradient effective --alpha 1 --beta 0 --eta 0"
	cat <<-END
		market learning-rate 0.004 0.002 0.004 8 --certify-steps 0
		compensated learning-rate 0.004 0.004 0.004 8 --certify-steps 0 --compensate full
		magnitude learning-rate 0.004 0.001 0.004 8 $ranking magnitude
		path learning-rate 0.002 0.004 0.002 8 $ranking path-magnitude
		taylor learning-rate 0.004 0.004 0.002 8 $ranking taylor
		lsq learning-rate 0.002 0.002 0.002 8 $ranking outputs --compensate full
		obs learning-rate 0.002 0.004 0.001 8 $ranking obs --compensate full
		random learning-rate 0.001 0.001 0.001 8 $ranking random
		lasso group-lasso 0.003 0.003 0.01 8 $ranking magnitude --rounds 1
		l0 gamma 0.003 0.001 0.0003 8 $gates
		cofi multiplier-rate 0.01 0.003 0.003 8 $gates --gamma 0
	END
}

# compared prints the runs of all methods to one target: $1 is its name, $2 its flags, and
# $3 the size whose settings are taken.
compared() {
	methods | while read -r name setting at15 at38 at154 seeds flags; do
		eval "value=\$at$3"
		for seed in $(seq "$seeds"); do
			echo "$name-$1-$seed $2 --seed $seed --$setting $value $flags"
		done
	done
}

# run makes those of the runs on its input that are not there.
run() {
	xargs -P "$JOBS" -L 1 sh -c '
		name=$0
		[ -e "$RUNS/$name/result.json" ] && exit 0
		rm -rf "$RUNS/$name"
		bin/nashprune train --data mnist --epochs 20 --device "$DEVICE" "$@" --out "$RUNS/$name" >"$RUNS/$name.log" 2>&1 ||
			{ echo "$name failed: see $RUNS/$name.log" >&2; exit 255; }
		echo "$name"'
}

# The run of the picture with its dense network; and the one model of latencies.
{
	echo "picture-1 --keep 38 --seed 1 --baseline"
	echo "latency-1 --max-latency-us $LATENCY --seed 1"
} | run
latency="--max-latency-us $LATENCY --latency-model $RUNS/latency-1/result.json"
{
	compared at-15 "--shape 10-5" 15
	compared at-38 "--shape 25-13" 38
	compared at-154 "--shape 103-51" 154
	compared for-parameters "--max-params 7965" 15
	compared for-latency "$latency" 15
	certificates
} | run

# accuracy prints that of the pruned network of a run.
accuracy() {
	sed -n '/"pruned": {/,/^ *}/s/^ *"accuracy": \([0-9.]*\).*/\1/p' "$RUNS/$1/result.json"
}

echo
echo "method and target: mean, deviation, accuracies by seed; difference to the market, paired, with its standard error"
for target in at-15 at-38 at-154 for-parameters for-latency; do
	methods | while read -r name _ _ _ _ seeds _; do
		for seed in $(seq "$seeds"); do
			echo "$(accuracy "$name-$target-$seed") $(accuracy "market-$target-$seed")"
		done | awk -v name="$name $target" '
			{ a[NR] = $1; d[NR] = $1 - $2; sum += $1; sumd += $1 - $2 }
			END {
				mean = sum / NR; meand = sumd / NR
				for (i = 1; i <= NR; i++) { v += (a[i] - mean)^2; w += (d[i] - meand)^2; list = list " " a[i] }
				printf "%-26s %.2f +- %.2f (%s )  %+.2f +- %.2f\n", name, mean, sqrt(v / (NR - 1)), list, meand, sqrt(w / (NR - 1) / NR)
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
