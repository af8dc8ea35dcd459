//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"context"

	"nashprune/trainer/backend"
)

func (e *engine) ObserveWeights(ctx context.Context, order []int32) ([][]float32, error) {
	return nil, backend.Usagef("single weights are no players on Vulkan yet; try --device cpu")
}
