package presence

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestPace has very many SUBSCRIBEs due at once: they go out at presence.rate, beyond
// a burst.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pace{rate: 500}
		var sent atomic.Int64
		for range 5 * p.rate {
			go func() {
				if p.wait(t.Context()) {
					sent.Add(1)
				}
			}()
		}
		for second := 1; second <= 4; second++ {
			synctest.Wait()
			if n := int(sent.Load()); n != second*p.rate+1 { // and the one that is due now
				t.Errorf("%d in second %d, at a rate of %d", n, second, p.rate)
			}
			time.Sleep(time.Second)
		}
	})
}
