package bench

import (
	"slices"
	"time"

	"nashprune/trainer/backend"
)

// ReportSchema is the version of the fields of [Report]. It goes up when a field
// changes its meaning. Since 2 ceilings are the best of their turns, a fraction of one is
// left out above 1, and rounds remove a player.
const ReportSchema = 3

// Report is all that was measured. Times are in seconds.
type Report struct {
	Schema      int          `json:"schema"`
	Program     string       `json:"program"` // its version, and the commit where it is known
	Platform    string       `json:"platform"`
	Started     time.Time    `json:"started"`
	Seconds     float64      `json:"seconds"`
	Budget      float64      `json:"budget"`
	Interrupted bool         `json:"interrupted"`
	Devices     []Device     `json:"devices"`
	Cases       []CaseReport `json:"cases"`
	Networks    []Use        `json:"networks,omitempty"`
	Scaling     []Series     `json:"scaling,omitempty"`
	LeftOut     []LeftOut    `json:"left_out"`
	Assumptions []string     `json:"assumptions"` // what figures rest on that are counted and not measured
}

// Device is a device and what it reaches at most.
type Device struct {
	backend.Device
	Ceilings *DeviceCeilings `json:"ceilings,omitempty"` // nil where they were not measured
	Lost     string          `json:"lost,omitempty"`     // why nothing was measured there any more
}

// DeviceCeilings are [backend.Ceilings], measured. Devices that share them have the
// same ones.
type DeviceCeilings struct {
	Operations       *Ceiling `json:"operations_per_second,omitempty"` // nil where the device has no loop for it
	Bytes            *Ceiling `json:"bytes_per_second"`
	OperationsMethod string   `json:"operations_method"`
	BytesMethod      string   `json:"bytes_method"`
}

// Ceiling is what a device reached at most, in the best of several turns.
type Ceiling struct {
	Best  float64 `json:"best"`
	Turns Figure  `json:"of"` // which it is the best of
}

// NewCeiling returns the ceiling that turns show, nil where they show nothing.
func NewCeiling(each []float64) *Ceiling {
	if len(each) == 0 || slices.Max(each) == 0 {
		return nil
	}
	return &Ceiling{slices.Max(each), NewFigure(each)}
}

// part returns which fraction of the ceiling something is, 0 where that is not
// known: without a ceiling, and above one, which then was none.
func (c *Ceiling) part(of Figure) float64 {
	if c == nil || of.Median > c.Best {
		return 0
	}
	return of.Median / c.Best
}

// CaseReport is what was measured of a case, on every device.
type CaseReport struct {
	Model        string     `json:"model"`
	Batch        int        `json:"batch"`
	Parameters   int        `json:"parameters"`
	Operations   float64    `json:"operations_per_step"` // see [Case.Operations]
	Bytes        float64    `json:"bytes_per_step"`      // see [Case.Bytes]
	Samples      int        `json:"samples_per_epoch"`
	StepsInEpoch int        `json:"steps_per_epoch"`
	Measured     []Measured `json:"measured"`
}

// Measured is a case on a device.
type Measured struct {
	Device        string `json:"device"` // its ID
	Step          Figure `json:"step"`
	StepsPerTurn  int    `json:"steps_per_turn"`
	Epoch         Figure `json:"epoch"`
	EpochMeasured bool   `json:"epoch_measured"` // else it is the step's time as often as there are steps

	// Of the steps that were timed on the device; empty where it does not measure it.
	OnDevice Figure   `json:"on_device"`
	Kernels  []Kernel `json:"kernels,omitempty"`

	Operations Figure `json:"operations_per_second"`
	Bytes      Figure `json:"bytes_per_second"`
	// The median's fraction of what the device reached at most. It is left out where
	// nothing is known of that, or where more was reached: of bytes, as they are
	// counted, caches may move more than memory does.
	OfOperations   float64  `json:"of_operations_ceiling,omitempty"`
	OfBytes        float64  `json:"of_bytes_ceiling,omitempty"`
	FasterThan     []Faster `json:"faster_than,omitempty"` // the same on the CPU
	FasterThanCase *Faster  `json:"faster_than_case,omitempty"`
	Game           *Game    `json:"game,omitempty"`
}

// Kernel is the device's time in one kernel during a step.
type Kernel struct {
	Kernel string  `json:"kernel"`
	Calls  float64 `json:"calls_per_step"`
	Time   Figure  `json:"time"`
}

// Faster says how many times faster something is than something else.
type Faster struct {
	Than  string `json:"than"` // a device's ID, or a model
	Times Figure `json:"times"`
}

// Game is what the game adds to training while it is played.
type Game struct {
	Round         Figure  `json:"round"`           // players are observed, priced and moved, and some removed
	StepsPerRound float64 `json:"steps_per_round"` // in a run with the default settings
	Cost          Figure  `json:"cost"`            // a step's part of a round
	Share         Figure  `json:"share"`           // the cost, of the time of a step with its part of a round
}

// Series is how the step's time grows with one size, on one device.
type Series struct {
	Over   string  `json:"over"` // width, batch or players
	Device string  `json:"device"`
	Points []Point `json:"points"`
	// Growth is fitted to all points, and Late to the upper half of them, where
	// fixed costs weigh less. Nil where there are fewer than two.
	Growth *Growth `json:"growth,omitempty"`
	Late   *Growth `json:"late_growth,omitempty"`
	// Round is how a round of the game grows, and with it what the game adds to a step,
	// where it was measured.
	Round *Growth `json:"round_growth,omitempty"`
}

// Point is a size of a series.
type Point struct {
	Size  int    `json:"size"`
	Model string `json:"model"`
	Batch int    `json:"batch"`
	Step  Figure `json:"step"`
	Game  *Game  `json:"game,omitempty"`
}

// LeftOut is something that was not measured, and why.
type LeftOut struct {
	Device string `json:"device"`
	What   string `json:"what"`
	Reason string `json:"reason"`
}
