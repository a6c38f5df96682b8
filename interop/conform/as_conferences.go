package conform

import (
	"slices"

	"github.com/gomscp/gomscp/interop/conform/draft"
)

// conferenceASCases are those of section 5.
func (b *bench) conferenceASCases() []Case {
	return []Case{
		must("mscp-as/5.1/1", "the first caller has a conference created; the conferenceid of conferencecreated is what is joined", b.on(func(a *asCase) {
			c := a.conference()
			c.enters()
			c.empties()
		})),
		must("mscp-as/5.1/2", "after a conference has been destroyed, the next caller gets a new one", b.on(func(a *asCase) {
			first := a.conference()
			first.enters()
			first.empties()
			if !first.destroyed {
				a.t.Skipf("it is not destroyed")
			}
			second := a.conference()
			second.enters()
			second.empties()
		})),
		must("mscp-as/5.1/3", "after errorconferencecreate the caller is refused", b.on(notCreated)),
		must("mscp-as/5.2/1", "when the last caller has left, the conference is destroyed", b.on(func(a *asCase) {
			c := a.conference()
			c.enters()
			c.empties()
			if !c.destroyed {
				a.t.Errorf("within %v there is no destroyconference of %s", a.t.timeout, c.id)
			}
		})),
		must("mscp-as/5.3/1", "each caller's own connection is joined to the one conference", b.on(func(a *asCase) {
			c := a.conference()
			c.enters()
			c.enters()
			c.enters()
			c.empties()
		})),
		must("mscp-as/5.3/2", "a caller who cannot be joined is refused, and the others stay", b.on(notJoined)),
		must("mscp-as/5.3/3", "a member who is muted is joined again, with other streams, and stays", b.on(muted)),
		must("mscp-as/5.4/1", "the connection of a caller who leaves is ended, and the others stay", b.on(func(a *asCase) {
			c := a.conference()
			one, two := c.enters(), c.enters()
			one.leaves()
			if happens(a.p.asks, a.t.timeout/10) {
				a.t.Error("something is asked for while one caller is there")
			}
			two.stays()
			c.empties()
		})),
		must("mscp-as/5.5/1", "floor control names the conference and a connection in it", b.on(floorControl)),
		must("mscp-as/5.5/2", "a conferenceuser notification of a name that is not known leaves the conference as it is", b.on(func(a *asCase) {
			c := a.conference()
			s := c.enters()
			a.notify(element("conferenceuser", "name", "conform.unknown", "conferenceid", c.id))
			s.stays()
			c.empties()
		})),
	}
}

// A meeting is the conference at the application server's URI.
type meeting struct {
	a         *asCase
	id        string // "" before it is created
	seats     []*seat
	destroyed bool
}

// A seat is a caller in a conference.
type seat struct {
	c     *meeting
	call  *storing
	media *leg
	conn  string
}

// conference begins with nobody in the conference.
func (a *asCase) conference() *meeting {
	a.t.Helper()
	if a.target.Conference == "" {
		a.t.Skipf("no URI is known at which the application server has a conference")
	}
	a.p.forgetLegs()
	a.leaving()
	c := &meeting{a: a, id: a.room}
	a.t.Cleanup(func() { c.empties() })
	return c
}

// leaving answers unjoin, and leaves other requests to the case.
func (a *asCase) leaving() {
	a.rule(func(q *asked) bool { return q.name() == "unjoin" && q.oblige() })
}

// call calls the conference, and returns the request to join the caller.
func (c *meeting) call() (*seat, *asked) {
	a := c.a
	a.t.Helper()
	s := &seat{c: c, call: a.store(a.target.Conference)}
	q := a.anyOf("createconference", "join")
	if q.name() == "createconference" {
		if c.id != "" {
			a.t.Errorf("another conference is created beside %s", c.id)
		}
		c.id = dialogID()
		a.room = c.id
		q.reply(element("conferencecreated", "conferenceid", c.id))
		q = a.ask("join")
	}
	s.media = a.leg()
	s.conn = connectionID(s.media.in.ID())
	id1, id2 := q.Element().Get("id1"), q.Element().Get("id2")
	if ids := []string{id1, id2}; !slices.Contains(ids, c.id) || !slices.Contains(ids, s.conn) {
		a.t.Errorf("%q and %q are joined, not the conference %q and the connection %q", id1, id2, c.id, s.conn)
	}
	a.named(q, s.media)
	return s, q
}

// enters has a caller join the conference.
func (c *meeting) enters() *seat {
	c.a.t.Helper()
	s, q := c.call()
	c.seats = append(c.seats, s)
	q.oblige()
	s.call.up()
	return s
}

// leaves hangs up.
func (s *seat) leaves() {
	s.c.a.t.Helper()
	s.c.seats = slices.DeleteFunc(s.c.seats, func(o *seat) bool { return o == s })
	s.call.end()
	next(s.c.a, s.media.ended, "BYE to the media server for a caller who has left")
}

// stays checks that both legs go on.
func (s *seat) stays() {
	a := s.c.a
	a.t.Helper()
	a.serves() // by now the application server has done what it does
	a.leaving()
	if s.call.call.Ended() || happens(s.media.ended, 0) {
		a.t.Error("the call of a member has ended")
	}
}

// empties has everybody leave, and waits for the end of the conference.
func (c *meeting) empties() {
	a := c.a
	if c.id == "" || c.destroyed {
		return
	}
	a.leaving()
	for _, s := range c.seats {
		s.call.end()
	}
	c.seats = nil
	ctx, cancel := a.t.within()
	defer cancel()
	for !c.destroyed {
		select {
		case q := <-a.p.asks:
			if c.destroyed = q.name() == "destroyconference"; c.destroyed {
				a.room = ""
				if id := q.Element().Get("conferenceid"); id != c.id {
					a.t.Errorf("the conference %q is destroyed, not %q", id, c.id)
				}
			}
			q.oblige()
		case <-ctx.Done():
			return
		}
	}
}

func notCreated(a *asCase) {
	c := a.conference()
	if c.id != "" {
		a.t.Skipf("the last conference is not destroyed")
	}
	s := a.store(a.target.Conference)
	a.ask("createconference").reply(element("errorconferencecreate", "conferenceid", dialogID(), "reason", "conform"))
	select {
	case q := <-a.p.asks:
		a.t.Errorf("%s comes all the same", q.name())
		q.reply(element("errorconferencejoin", "id1", q.Element().Get("id1"), "id2", q.Element().Get("id2"), "reason", "conform"))
	case <-s.done:
	case <-a.t.ctx.Done():
	}
	s.refusedOrEnded()
}

// refusedOrEnded waits for the end of a call, which may have been answered.
func (s *storing) refusedOrEnded() {
	s.a.t.Helper()
	next(s.a, s.done, "final response to the caller")
	if s.err == nil {
		next(s.a, s.call.Done(), "BYE to the caller, who has got a 200")
	}
}

func notJoined(a *asCase) {
	c := a.conference()
	one := c.enters()
	two, q := c.call()
	q.reply(element("errorconferencejoin", "id1", q.Element().Get("id1"), "id2", q.Element().Get("id2"), "reason", "conform"))
	two.call.refusedOrEnded()
	next(a, two.media.ended, "BYE to the media server")
	one.stays()
	c.empties()
}

// The acts that the operator of an application server is asked for.
const (
	actMute  = "mute the first caller in the conference"
	actFloor = "give the floor to the first caller in the conference"
)

// byOperator asks the operator to do something.
func (a *asCase) byOperator(what string) {
	a.t.Helper()
	if a.target.ByHand == nil {
		a.t.Skipf("nobody is there to %s", what)
	}
	a.target.ByHand(what)
}

func muted(a *asCase) {
	c := a.conference()
	s := c.enters()
	a.byOperator(actMute)
	q := nextWithin(a, a.p.asks, "join on the control channel", a.target.ByHandWait)
	e := q.Element()
	ids := []string{e.Get("id1"), e.Get("id2")}
	if q.name() != "join" || !slices.Contains(ids, c.id) || !slices.Contains(ids, s.conn) {
		a.t.Errorf("%s of %q comes, not join of the conference %q and the connection %q", q.name(), ids, c.id, s.conn)
	}
	if q.name() == "join" && !slices.ContainsFunc(e.Elements, func(child *draft.Element) bool { return child.Name == "stream" }) {
		a.t.Error("the join names no stream")
	}
	q.oblige()
	s.stays()
	c.empties()
}

func floorControl(a *asCase) {
	c := a.conference()
	s := c.enters()
	a.byOperator(actFloor)
	e := nextWithin(a, a.p.notes, "conferenceuser on the control channel", a.target.ByHandWait).Element()
	if e.Name != "conferenceuser" || e.Get("conferenceid") != c.id {
		a.t.Errorf("%s of the conference %q comes, not conferenceuser of %q", e.Name, e.Get("conferenceid"), c.id)
	}
	if !listed(e, "connectionid", s.conn) {
		a.t.Errorf("its namelist does not name the connection %q", s.conn)
	}
	c.empties()
}

// listed reports whether a namelist has an item.
func listed(e *draft.Element, name, value string) bool {
	for _, list := range e.Elements {
		for _, item := range list.Elements {
			if item.Get("name") == name && item.Get("value") == value {
				return true
			}
		}
	}
	return false
}
