// Package trainer runs a training with its game, from a configuration to a run folder:
// [Run] and [Resume], [PlanRun] without training, [Eval], [Predict], [Export] and [Latencies] of
// saved networks. A run begins with initial weights or with a trained network from a file. It is
// the facade of the packages below it, and opens devices, data and
// networks in one order for all of these.
package trainer
