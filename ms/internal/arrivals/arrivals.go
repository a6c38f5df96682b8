package arrivals

import (
	"sync"

	"github.com/gomscp/gomscp/store"
)

// Arrivals are the pairs of store sessions that have left a message, and the pairs whose
// messages are being delivered. The zero value has none. It is safe for concurrent use.
type Arrivals struct {
	mu   sync.Mutex
	told map[store.Pair]bool // true: a message has come since, of which the AS was not notified
}

// Note reports whether a pair is new, and notes it, or that another message has come.
func (a *Arrivals) Note(p store.Pair) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.told == nil {
		a.told = map[store.Pair]bool{}
	}
	_, was := a.told[p]
	a.told[p] = was
	return !was
}

// Look is called before a delivery looks for messages: the AS is not notified of those that
// have come until then.
func (a *Arrivals) Look(p store.Pair) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, was := a.told[p]; was {
		a.told[p] = false
	}
}

// Forget ends what Note began, and reports whether a message has come since the last Look.
func (a *Arrivals) Forget(p store.Pair) (came bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	came = a.told[p]
	delete(a.told, p)
	return came
}
