package testutil

import (
	"flag"
	"strconv"
)

// Parallel has n tests run in parallel, unless -parallel says how many. A TestMain calls
// it where tests wait for timers most of the time. It parses the flags.
func Parallel(n int) {
	flag.Parse()
	if p := flag.Lookup("test.parallel"); p.Value.String() == p.DefValue {
		_ = p.Value.Set(strconv.Itoa(n))
	}
}
