//go:build cgo && (linux || windows || darwin || freebsd)

package compute

import "time"

// SetPatience sets how long a submission may take.
func (d *Device) SetPatience(p time.Duration) { d.patience = p }

// SetLimits makes the device believe in other limits.
func (d *Device) SetLimits(l Limits) { d.info.Limits = l }
