package sipua

import (
	"bytes"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua/internal/screen"
)

// noteEarly keeps the first session description of a 1xx to an INVITE of ours. It is
// called by the one who reads from the socket, since sipgo handles messages side by
// side: of a 183 and the 200 behind it, it may drop the 183. See RFC 3261, section
// 13.2.1.
func (t *callTable) noteEarly(m *screen.Message, clean []byte) {
	if m == nil || !m.IsEarly() {
		return
	}
	msg, err := t.ua.parser.ParseSIP(bytes.Clone(clean)) // what is read next overwrites it
	if err != nil {
		return
	}
	res, ok := msg.(*sip.Response)
	if !ok || res.From() == nil || res.To() == nil || res.CallID() == nil || res.CSeq() == nil || res.CSeq().MethodName != sip.INVITE {
		return
	}
	c := t.call(dialogKey{res.CallID().Value(), tagOf(res.From().Params)})
	key := earlyKey{res.CSeq().SeqNo, tagOf(res.To().Params)}
	if c == nil || key.toTag == "" {
		return
	}
	if said, err := sessionIn(res); err == nil && len(said.body) > 0 {
		c.noteEarly(key, said)
	}
}

// noteEarly keeps the first description of an early dialog, of MaxForks of them at
// the most, and forgets those of earlier INVITEs.
func (c *Call) noteEarly(key earlyKey, said description) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for old := range c.early {
		if old.seq != key.seq {
			delete(c.early, old)
		}
	}
	if _, known := c.early[key]; known || len(c.early) >= MaxForks {
		return
	}
	if c.early == nil {
		c.early = map[earlyKey]description{}
	}
	c.early[key] = said
}

// described is the session description that the 2xx to a request of ours brings: the
// first one of its To tag, also if that came in a 1xx and the 2xx has none, or another.
// For an INVITE that has asked for an offer, only the 2xx counts, where it has one. An
// error says that the 2xx has a body that is not understood. c.mu is held. See RFC
// 3261, section 13.2.1.
func (c *Call) described(res *sip.Response, offered bool) (description, error) {
	key := earlyKey{res.CSeq().SeqNo, tagOf(res.To().Params)}
	early := c.early[key]
	c.early = nil
	if offered && len(early.body) > 0 {
		return early, nil
	}
	said, err := sessionIn(res)
	if len(said.body) == 0 && len(early.body) > 0 {
		return early, nil
	}
	return said, err
}
