package store

import (
	"os"

	"golang.org/x/sys/unix"
)

// preread asks the system to read a file into its cache, if half of the memory can hold
// the file.
func preread(f *os.File) {
	info, err := f.Stat()
	if err != nil {
		return
	}
	var sys unix.Sysinfo_t
	if err := unix.Sysinfo(&sys); err != nil || uint64(info.Size()) > uint64(sys.Totalram)*uint64(sys.Unit)/2 {
		return
	}
	for at := int64(0); at < info.Size(); at += prereadStep {
		if unix.Fadvise(int(f.Fd()), at, prereadStep, unix.FADV_WILLNEED) != nil {
			return
		}
	}
}

const prereadStep = 128 << 10 // bytes; the system may cut larger requests
