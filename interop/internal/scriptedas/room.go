package scriptedas

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// A room is a conference. See section 5.
type room struct {
	mu      sync.Mutex // held while the media server is asked
	id      string     // "" while there is none
	members []*leg     // their legs to the media server
}

// roomCall takes a call to the room.
func (s *Server) roomCall(in *leg) {
	c := s.channels[0]
	s.mu.Lock()
	r := s.rooms[c]
	if r == nil {
		r = &room{}
		s.rooms[c] = r
	}
	s.mu.Unlock()
	out, err := s.enter(r, c, in)
	if err != nil {
		in.refuse("500 Server Internal Error")
		return
	}
	in.answer(out.body)
	s.bridge(in, out)
	s.leave(r, c, out)
}

// enter creates the conference if there is none, and joins a caller to it.
func (s *Server) enter(r *room, c *channel, in *leg) (*leg, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.id == "" {
		o := c.request(s.createConference(), answerWait)
		if o.err != nil || o.XMLName.Local != "conferencecreated" {
			if !s.is(IgnoresNotCreated) {
				return nil, errors.New("no conference")
			}
		}
		r.id = o.get("conferenceid")
	}
	ctx, cancel := context.WithTimeout(s.ctx, answerWait)
	defer cancel()
	out, err := s.invite(ctx, c.media.Addr, "sip:ms@"+c.media.Addr+";transport=tcp", s.sip.Contact("as"), in.body)
	if err != nil {
		return nil, err
	}
	out.ack("")
	id := r.id
	if s.is(JoinsAnotherConference) && len(r.members) > 0 {
		id += "x"
	}
	who := out.id()
	if s.is(JoinsCallersID) {
		who = in.id()
	}
	o := c.request(tag("join", "", "id1", id, "id2", who), answerWait)
	if (o.err != nil || o.XMLName.Local != "conferencejoined") && !s.is(IgnoresNotJoined) {
		if s.is(ThrowsEverybodyOut) {
			for _, m := range r.members {
				m.bye()
			}
		}
		out.bye()
		return nil, errors.New("not joined")
	}
	r.members = append(r.members, out)
	return out, nil
}

func (s *Server) createConference() string {
	if s.is(BadReservation) {
		return tag("createconference", "", "reservedtalkers", "-5")
	}
	return tag("createconference", "", "reservedtalkers", "5")
}

// leave takes a member out; the last one ends the conference.
func (s *Server) leave(r *room, c *channel, out *leg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members = slices.DeleteFunc(r.members, func(m *leg) bool { return m == out })
	if !s.is(KeepsMediaOfLeaver) {
		out.bye()
	}
	if len(r.members) > 0 || s.is(NeverDestroys) {
		return
	}
	id := r.id
	if s.is(DestroysAnother) {
		id += "x"
	}
	c.request(tag("destroyconference", "", "conferenceid", id), answerWait)
	if !s.is(UsesDestroyedConference) {
		r.id = ""
	}
}

// The acts of an operator in the room.
const (
	Mute  = "mute"  // the first member is heard no more
	Floor = "floor" // the first member gets the floor
	empty = "empty" // all members are sent away, for a fault
)

// Act does what an operator wants in the room, while somebody is in it.
func (s *Server) Act(what string) {
	c := s.channels[0]
	s.mu.Lock()
	r := s.rooms[c]
	s.mu.Unlock()
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.members) == 0 {
		return
	}
	first := r.members[0].id()
	switch what {
	case empty:
		for _, m := range r.members {
			m.bye()
		}
	case Mute:
		stream := tag("stream", "", "type", "audio", "direction", "receive")
		if s.is(MutesByUnjoin) {
			c.request(tag("unjoin", "", "id1", r.id, "id2", first), answerWait)
			return
		}
		c.request(tag("join", stream, "id1", r.id, "id2", first), answerWait)
	case Floor:
		item := tag("item", "", "name", "connectionid", "value", first)
		if s.is(FloorToNobody) {
			item = tag("item", "", "name", "connectionid", "value", "nobody")
		}
		c.notify(tag("conferenceuser", tag("namelist", item), "name", "floorcontrol.setactive", "conferenceid", r.id))
	}
}
