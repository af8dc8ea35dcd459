//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"testing"

	"nashprune/gpu/internal/vktest"
)

func TestMain(m *testing.M) { vktest.Main(m) }
