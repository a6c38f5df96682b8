package conform

import (
	"os"
	"runtime"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
)

// TestMain has more tests side by side than there are processors, unless -parallel says how
// many: those that are parallel wait for timers most of the time.
func TestMain(m *testing.M) {
	if !raceDetector {
		testutil.Parallel(12 + 2*runtime.GOMAXPROCS(0))
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
