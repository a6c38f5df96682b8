package sipua

import (
	"bytes"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua/internal/screen"
)

// noteEarly keeps the first session description in a 1xx to an INVITE of ours. The
// goroutine that reads from the socket calls it, because sipgo handles messages
// concurrently and may drop a 183 that is followed by a 200. See RFC 3261, section
// 13.2.1.
func (t *callTable) noteEarly(m *screen.Message, clean []byte) {
	if m == nil || !m.IsEarly() {
		return
	}
	msg, err := t.ua.parser.ParseSIP(bytes.Clone(clean)) // the next read overwrites it
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

// noteEarly keeps the first description of an early dialog, of at most MaxForks dialogs,
// and forgets those of earlier INVITEs.
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

// described returns the session description that belongs to a 2xx to a request of ours.
// It is the first with the To tag of the 2xx, even if it came in a 1xx and the 2xx has
// none or another. If our INVITE had no offer, a description in the 2xx has precedence.
// An error means that the 2xx has a body that is not understood. c.mu is held. See RFC
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
