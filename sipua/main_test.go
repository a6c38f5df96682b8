package sipua

import (
	"os"
	"runtime"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
)

// TestMain has more tests side by side than there are processors, unless -parallel says how
// many: those that are parallel wait for timers most of the time.
func TestMain(m *testing.M) {
	testutil.Parallel(4 + runtime.GOMAXPROCS(0))
	os.Exit(m.Run())
}
