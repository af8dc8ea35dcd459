//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

// SetMaxGroups lowers how many workgroups a grid has along the rows, until the
// function that it returns is called.
func SetMaxGroups(n int) (restore func()) {
	old := maxGroups
	maxGroups = n
	return func() { maxGroups = old }
}
