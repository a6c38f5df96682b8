package daemon

import (
	"os"
	"runtime/debug"
)

// limitMemory has the runtime keep to limit bytes, as far as it can: it collects garbage
// more often as it comes near. 0 changes nothing, and neither does any limit where the
// environment has GOMEMLIMIT.
func limitMemory(limit int64) {
	if limit > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
}
