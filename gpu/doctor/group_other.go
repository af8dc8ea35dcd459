//go:build !unix

package doctor

import "io/fs"

// fileGroup: files belong to no groups here.
func fileGroup(fs.FileInfo) string { return "" }
