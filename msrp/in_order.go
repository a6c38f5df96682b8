package msrp

import (
	"context"
	"errors"
)

// arrivals are the messages of a session that have arrived whole and whose
// handlers have neither returned nor released their turn, in the order in
// which they became whole. Guarded by the session's mu.
type arrivals struct {
	list []*Incoming
}

// queueTurn gives a message its place, unless its handler has returned before all of it had
// arrived: then nothing would remove it. s.mu is held.
func (s *Session) queueTurn(in *Incoming) {
	if in.placed = true; in.left {
		return
	}
	s.order.list = append(s.order.list, in)
}

// passTurn removes a message and gives the next one its turn; s.mu is held.
func (s *Session) passTurn(in *Incoming) {
	in.left = true
	l := s.order.list
	for i, x := range l {
		if x != in {
			continue
		}
		copy(l[i:], l[i+1:])
		l[len(l)-1] = nil
		s.order.list = l[:len(l)-1]
		if i == 0 && len(l) > 1 && l[0].turn != nil {
			close(l[0].turn)
		}
		return
	}
}

// turnOf returns nil if it is the turn of in, or else a channel that is closed then;
// s.mu is held.
func (s *Session) turnOf(in *Incoming) chan struct{} {
	if in.left || len(s.order.list) == 0 || s.order.list[0] == in {
		return nil
	}
	if in.turn == nil {
		in.turn = make(chan struct{})
	}
	return in.turn
}

// InOrder is for a Handler that must do something in the order in which messages arrived,
// although several handlers run at once. Call it after Read has returned io.EOF. It waits
// for the Handler's turn, and returns a function that ends the turn; returning from the
// Handler ends it, too. It fails when ctx or the session ends.
func (in *Incoming) InOrder(ctx context.Context) (release func(), err error) {
	s := in.Session
	s.mu.Lock()
	placed, turn := in.placed, s.turnOf(in)
	s.mu.Unlock()
	if !placed {
		return nil, errors.New("msrp: InOrder before the end of the message")
	}
	if turn != nil {
		select {
		case <-turn:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-in.ctx.Done():
			return nil, ErrClosed
		}
	}
	return func() {
		s.mu.Lock()
		s.passTurn(in)
		s.mu.Unlock()
	}, nil
}
