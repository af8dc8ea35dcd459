//go:build asan

package compute_test

// sanitised says whether the address sanitiser is at work, which keeps freed
// memory for a while and makes calls of C allocate.
const sanitised = true
