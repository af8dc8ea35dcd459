//go:build unix

package doctor

import (
	"fmt"
	"io/fs"
	"syscall"
)

// fileGroup returns the name of the group that a file belongs to, its number
// where it has no name.
func fileGroup(info fs.FileInfo) string {
	if status, ok := info.Sys().(*syscall.Stat_t); ok {
		return groupName(fmt.Sprint(status.Gid))
	}
	return ""
}
