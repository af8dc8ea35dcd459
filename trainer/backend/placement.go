package backend

import (
	"slices"
)

// Placement says where the samples are while a device with memory of its own
// works on them. The results are the same bits wherever that is.
type Placement string

const (
	// AnyPlacement leaves it to the device: resident if the plan of the memory fits
	// with an eighth to spare, else streamed. Users may call it auto.
	AnyPlacement Placement = ""
	// Resident samples all lie in the memory of the device.
	Resident Placement = "resident"
	// Streamed samples stay in the memory of the host. Those that are needed next go
	// to the device in chunks, while it works on those before.
	Streamed Placement = "streamed"
)

// AutoPlacement is what users may call [AnyPlacement].
const AutoPlacement Placement = "auto"

// Known reports whether p is one of the placements.
func (p Placement) Known() bool {
	return slices.Contains([]Placement{AnyPlacement, Resident, Streamed}, p)
}
