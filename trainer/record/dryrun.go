package record

import (
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
)

// DryRun is what a run would do, without having done any of it.
type DryRun struct {
	Device        Device             `json:"device"`
	Data          Data               `json:"data"`
	Shape         []int              `json:"shape"` // from the inputs to the logits
	Players       int                `json:"players"`
	Keep          int                `json:"keep,omitempty"`   // players that stay, where that is known
	Target        *cost.Target       `json:"target,omitempty"` // of the market
	Cost          cost.Resource      `json:"cost,omitempty"`   // what players pay for, where all layers share one market
	Parameters    int                `json:"parameters"`
	MACs          int                `json:"macs"` // multiply-accumulate operations a sample
	Epochs        int                `json:"epochs"`
	StepsPerEpoch int                `json:"steps_per_epoch"`
	Steps         int                `json:"steps"` // of a training; with a baseline there are two
	Memory        backend.MemoryPlan `json:"memory"`
	Next          *NextRun           `json:"next,omitempty"` // of two runs, where the plan is of the first
}

// NextRun is the run that begins with the network of the first one.
type NextRun struct {
	Players  string `json:"players"`
	Epochs   int    `json:"epochs"`
	MaxBytes int    `json:"max_bytes"`
}
