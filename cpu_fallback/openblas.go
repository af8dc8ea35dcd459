//go:build (linux || darwin) && (amd64 || arm64)

package cpufallback

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/ebitengine/purego"
	"gonum.org/v1/gonum/blas"
)

// openBLASLibraries are the names of the library by system, in the order in which
// they are tried.
var openBLASLibraries = map[string][]string{
	"linux":  {"libopenblas.so.0"},
	"darwin": {"libopenblas.0.dylib", "/opt/homebrew/opt/openblas/lib/libopenblas.0.dylib", "/usr/local/opt/openblas/lib/libopenblas.0.dylib"},
}

// openBLAS is the OpenBLAS of the system, opened at run time. It computes on the
// calling thread alone: products are cut into tiles here, so that their bits do
// not depend on the number of processors.
type openBLAS struct {
	version string
	sgemm   func(order, transA, transB, m, n, k int32, alpha float32, a *float32, lda int32, b *float32, ldb int32,
		beta float32, c *float32, ldc int32)
}

// rowMajor is CblasRowMajor. The values of CBLAS_TRANSPOSE are those of gonum's
// transposes in cblas.
const (
	rowMajor    = 101
	noTranspose = 111
	transpose   = 112
)

// findOpenBLAS opens the library, once.
var findOpenBLAS = sync.OnceValues(func() (*openBLAS, error) {
	var failures []error
	for _, name := range openBLASLibraries[runtime.GOOS] {
		library, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		return bindOpenBLAS(library)
	}
	return nil, errors.Join(failures...)
})

func bindOpenBLAS(library uintptr) (*openBLAS, error) {
	var (
		b          openBLAS
		setThreads func(int32)
		config     func() string
	)
	for name, function := range map[string]any{
		"cblas_sgemm": &b.sgemm, "openblas_set_num_threads": &setThreads, "openblas_get_config": &config,
	} {
		if _, err := purego.Dlsym(library, name); err != nil {
			return nil, fmt.Errorf("OpenBLAS: %w", err)
		}
		purego.RegisterLibFunc(function, library, name)
	}
	setThreads(1)
	b.version, _, _ = strings.Cut(config(), " NO_") // the name, the version, and how it was built
	if fields := strings.Fields(b.version); len(fields) > 2 {
		b.version = strings.Join(fields[:2], " ")
	}
	return &b, nil
}

// tile is the side of the squares that products are cut into: large enough that
// OpenBLAS loses little (a tenth at most, measured at 784-512-256), small enough
// that a layer splits over some cores. It is part of the arithmetic, so it never
// depends on the machine.
const tile = 128

func (o *openBLAS) gemm(transA, transB blas.Transpose, m, n, k int, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	across := (n + tile - 1) / tile
	tiles := (m + tile - 1) / tile * across
	inChunks(tiles, 1, func(chunk, _, _ int) {
		row, column := chunk/across*tile, chunk%across*tile
		fromA, fromB := row*lda, column
		orderA, orderB := int32(noTranspose), int32(noTranspose)
		if transA == blas.Trans {
			fromA, orderA = row, transpose
		}
		if transB == blas.Trans {
			fromB, orderB = column*ldb, transpose
		}
		o.sgemm(rowMajor, orderA, orderB, int32(min(tile, m-row)), int32(min(tile, n-column)), int32(k),
			1, &a[fromA], int32(lda), &b[fromB], int32(ldb), beta, &c[row*ldc+column], int32(ldc))
	})
}
