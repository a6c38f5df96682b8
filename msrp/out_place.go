package msrp

import "errors"

// place is a chunk under way, with its place in the window, given back once.
type place struct {
	o          *outgoing
	frame      outFrame
	t          transaction
	taken      bool   // guarded by o.mu, as what follows
	prev, next *place // in o.places
}

func (p *place) occupy() {
	o := p.o
	o.mu.Lock()
	defer o.mu.Unlock()
	p.taken = true
	if p.next = o.places; p.next != nil {
		p.next.prev = p
	}
	o.places = p
}

func (p *place) free() {
	o := p.o
	o.mu.Lock()
	taken := p.taken
	if taken {
		p.taken = false
		if p.next != nil {
			p.next.prev = p.prev
		}
		if p.prev != nil {
			p.prev.next = p.next
		} else {
			o.places = p.next
		}
	}
	o.mu.Unlock()
	if taken {
		<-o.s.window
	}
}

// answered takes the response to a chunk, in the reader's goroutine.
func (p *place) answered(se *StatusError, err error) {
	o := p.o
	o.mu.Lock()
	if o.err == nil {
		partial := o.m.FailureReport == FailurePartial
		switch {
		case se != nil:
			o.err = se // [RFC4975-7.1.1-11]
		case err != nil && !(partial && errors.Is(err, ErrNoResponse)): // [RFC4975-7.1.1-10]
			// Silence is consent if the report is partial (RFC 4975, 7.1.1).
			o.err = err
			if !errors.Is(err, ErrNoResponse) {
				o.err = lost(err)
			}
		}
		if o.err != nil {
			o.dead.Store(true)
			o.r.failWith(o.err)
		}
	}
	o.mu.Unlock()
	p.free()
	o.wake()
}
