package mediaserver

import (
	"errors"
	"fmt"
	"sync"

	"github.com/gomscp/gomscp/mscp"
)

var errOver = errors.New("mscp: it has ended, and nothing is told of it any more")

// An outlet sends the notifications about one dialog or conference in the order of
// the calls: none before the response that tells the AS its id, and none after the
// last. See sections 4.3 to 4.8 and 5.5.
type outlet struct {
	notify func(mscp.Element)

	order sync.Mutex // held while notify runs; locked before mu

	mu     sync.Mutex
	open   bool           // the response has gone out
	closed bool           // nothing more is taken
	early  []mscp.Element // taken before the response went out
}

// send sends e, or keeps it until the response has gone out. After the last one,
// nothing is taken.
func (o *outlet) send(e mscp.Element, last bool) error {
	if taken, err := o.keep(e, last); taken || err != nil {
		return err
	}
	o.order.Lock()
	defer o.order.Unlock()
	o.mu.Lock()
	closed := o.closed
	o.closed = closed || last
	o.mu.Unlock()
	if closed {
		return errOver
	}
	o.notify(e)
	return nil
}

// keep takes e if the response has not gone out. There is always room for the last.
func (o *outlet) keep(e mscp.Element, last bool) (taken bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		return false, errOver
	case o.open:
		return false, nil
	case len(o.early) >= MaxEarlyNotifications && !last:
		return false, fmt.Errorf("mscp: more than %d notifications before the response", MaxEarlyNotifications)
	}
	o.early, o.closed = append(o.early, e), last
	return true, nil
}

// release sends what was kept, and from then on everything at once: the response has
// gone out.
func (o *outlet) release() {
	o.order.Lock()
	defer o.order.Unlock()
	for {
		o.mu.Lock()
		early := o.early
		o.early, o.open = nil, len(early) == 0
		o.mu.Unlock()
		if len(early) == 0 {
			return
		}
		for _, e := range early {
			o.notify(e)
		}
	}
}

// shut takes nothing more, and drops what was kept. One that is being sent may still
// go out.
func (o *outlet) shut() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.early = true, nil
}

// close is shut, and waits for the one that is being sent.
func (o *outlet) close() {
	o.order.Lock()
	defer o.order.Unlock()
	o.shut()
}
