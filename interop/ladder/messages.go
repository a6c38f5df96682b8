package ladder

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// MaxRaw bounds the bytes of all messages that [Messages] returns.
const MaxRaw = 512 << 20

// A Message is one message between two nodes, from their trace files.
type Message struct {
	Time     time.Time // when it was sent, by corrected clocks
	Protocol string    // SIP, MSCP or MSRP
	From, To string    // host:port
	Raw      string    // the message; a long MSRP body is cut
	Size     int       // bytes on the wire; more than len(Raw) if Raw is cut
}

// Messages reads trace files like Read, and returns the messages that o selects, in the
// order of time. A message that both ends traced is returned once. notes lists what was
// left out, and the clocks that were corrected. Of o, it uses the Filter, Skip, Limit and
// Progress.
func Messages(ctx context.Context, paths []string, o Options) (messages []Message, notes []string, err error) {
	x := newMatcher(false)
	x.raw = true
	in := &input{ctx: ctx, paths: paths, o: o}
	if err := in.match(x); err != nil {
		return nil, nil, err
	}
	clocks := correctClocks(x.messages)
	sortByTime(x.messages)
	for _, m := range x.messages {
		messages = append(messages, Message{
			Time: m.at(), Protocol: m.protocol, From: m.from.addr, To: m.to.addr, Raw: m.raw, Size: m.size,
		})
	}
	return messages, append(in.notes, clocks...), nil
}

// match hands the chosen records to x.
func (in *input) match(x *matcher) error {
	if err := in.open(); err != nil {
		return err
	}
	chosen, err := in.filter()
	if err != nil {
		return err
	}
	limit := in.o.limit()
	return in.each(chosen, func(r record) error {
		x.add(r)
		switch {
		case len(x.messages) > limit:
			return fmt.Errorf("more than %d messages are chosen: choose by call, protocol or time", limit)
		case x.size > MaxRaw:
			return fmt.Errorf("more than %d bytes are chosen: choose by call, protocol or time", MaxRaw)
		}
		return nil
	})
}

func sortByTime(messages []*message) {
	slices.SortStableFunc(messages, func(a, b *message) int {
		if c := a.at().Compare(b.at()); c != 0 {
			return c
		}
		return a.seq - b.seq
	})
}
