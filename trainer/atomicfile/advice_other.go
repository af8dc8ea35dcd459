//go:build !windows

package atomicfile

import "syscall"

var (
	diskFull = []error{syscall.ENOSPC, syscall.EDQUOT}
	tooLarge = []error{syscall.EFBIG}
	readOnly = []error{syscall.EROFS}
)
