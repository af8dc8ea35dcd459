package atomicfile

import "syscall"

// System error codes of Windows.
var (
	diskFull = []error{syscall.Errno(39), syscall.Errno(112), syscall.Errno(1295)} // ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL, ERROR_DISK_QUOTA_EXCEEDED
	tooLarge = []error{syscall.Errno(223)}                                         // ERROR_FILE_TOO_LARGE
	readOnly = []error{syscall.Errno(19)}                                          // ERROR_WRITE_PROTECT
)
