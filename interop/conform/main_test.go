package conform

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"
)

// TestMain has more tests side by side than there are processors, unless -parallel says how
// many: those that are parallel wait for timers most of the time.
func TestMain(m *testing.M) {
	flag.Parse()
	if p := flag.Lookup("test.parallel"); p.Value.String() == p.DefValue && !raceDetector {
		_ = p.Value.Set(strconv.Itoa(12 + 2*runtime.GOMAXPROCS(0)))
	}
	os.Exit(m.Run())
}

// sideBySide has a test run beside others. Under the race detector it runs alone: its cases
// tell by time what a peer does.
func sideBySide(t *testing.T) {
	if !raceDetector {
		t.Parallel()
	}
}
