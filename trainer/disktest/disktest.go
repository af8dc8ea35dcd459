// Package disktest gives tests disks that are full and folders that may not be
// written to, where the system has the means. It is for tests alone.
package disktest
