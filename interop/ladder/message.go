package ladder

import (
	"hash/maphash"
	"net/netip"
	"strings"
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
)

const (
	maxTip      = 2000 // bytes that are kept of a message
	maxTipLines = 40
)

// An end is one end of a message, as its node has traced it.
type end struct {
	time time.Time
	node string // "" has traced nothing
	addr string
}

// A message is one message on the wire, from one or two records.
type message struct {
	seq      int // in which it was read
	protocol string
	label    string
	tip      string // its first lines
	body     string // of MSRP, if it is asked for
	chunk    msrpChunk
	isChunk  bool
	raw      string // if it is asked for
	size     int    // on the wire
	from, to end
}

// at is the time a message is drawn at: it was sent by the time it was
// received.
func (m *message) at() time.Time {
	if m.from.node == "" || (m.to.node != "" && m.to.time.Before(m.from.time)) {
		return m.to.time
	}
	return m.from.time
}

// A matcher makes messages from records.
type matcher struct {
	bodies   bool
	raw      bool // keep messages whole
	size     int  // of what is kept whole, in bytes
	seed     maphash.Seed
	open     map[uint64][]*message // of which one end is known, by their bytes
	strings  map[string]string     // nodes and addresses, each kept once
	messages []*message
}

func newMatcher(bodies bool) *matcher {
	return &matcher{bodies: bodies, seed: maphash.MakeSeed(), open: map[uint64][]*message{}, strings: map[string]string{}}
}

// add takes one record. It completes the oldest message of which it can be the
// other end, or begins one.
func (x *matcher) add(r daemon.TraceRecord) {
	var h maphash.Hash
	h.SetSeed(x.seed)
	h.WriteString(r.Protocol)
	h.WriteString(identity(r))
	key := h.Sum64()
	for i, m := range x.open[key] {
		if !m.takes(r) {
			continue
		}
		if x.raw && len(r.Raw) > len(m.raw) { // this end has cut less
			x.size += len(r.Raw) - len(m.raw)
			m.raw = r.Raw
		}
		m.set(r, x)
		if rest := append(x.open[key][:i:i], x.open[key][i+1:]...); len(rest) > 0 {
			x.open[key] = rest
		} else {
			delete(x.open, key)
		}
		return
	}
	m := &message{seq: len(x.messages), protocol: x.once(r.Protocol), label: label(r.Protocol, r.Raw)}
	m.tip, m.body = excerpt(r, x.bodies)
	if r.Protocol == "MSRP" {
		m.chunk, m.isChunk = chunk(r.Raw, r.Size)
	}
	m.size = max(r.Size, len(r.Raw))
	if x.raw {
		m.raw = r.Raw
		x.size += len(r.Raw)
	}
	m.set(r, x)
	x.messages = append(x.messages, m)
	x.open[key] = append(x.open[key], m)
}

// identity is what both ends have traced alike.
func identity(r daemon.TraceRecord) string {
	if r.Protocol == "MSRP" {
		head, _ := splitMSRP(r.Raw)
		return head
	}
	return r.Raw
}

// takes tells whether r may be the end that m lacks.
func (m *message) takes(r daemon.TraceRecord) bool {
	if r.Direction == daemon.Sent {
		return m.from.node == "" && sameAddr(m.from.addr, r.Local) && sameAddr(m.to.addr, r.Peer)
	}
	return m.to.node == "" && sameAddr(m.from.addr, r.Peer) && sameAddr(m.to.addr, r.Local)
}

// set takes down the end that r is of. Of two addresses for an end, the one
// with a host is kept.
func (m *message) set(r daemon.TraceRecord, x *matcher) {
	here, there := &m.from, &m.to
	if r.Direction == daemon.Received {
		here, there = there, here
	}
	here.time, here.node = r.Time, x.once(r.Node)
	if hasHost(r.Local) || here.addr == "" {
		here.addr = x.once(r.Local)
	}
	if there.addr == "" || !hasHost(there.addr) {
		there.addr = x.once(r.Peer)
	}
}

func (x *matcher) once(s string) string {
	if kept, ok := x.strings[s]; ok {
		return kept
	}
	s = strings.Clone(s)
	x.strings[s] = s
	return s
}

func hasHost(addr string) bool {
	a, err := netip.ParseAddrPort(addr)
	return err != nil || !a.Addr().IsUnspecified()
}

// sameAddr tells whether two addresses may be one: they are equal, or one says
// its port only.
func sameAddr(a, b string) bool {
	if a == b {
		return true
	}
	x, err := netip.ParseAddrPort(a)
	if err != nil {
		return false
	}
	y, err := netip.ParseAddrPort(b)
	if err != nil || x.Port() != y.Port() {
		return false
	}
	return x.Addr().Unmap() == y.Addr().Unmap() || x.Addr().IsUnspecified() || y.Addr().IsUnspecified()
}

// splitMSRP cuts an MSRP message behind its headers; body is what there is of
// the body, without the end-line.
func splitMSRP(raw string) (head, body string) {
	head, body, ok := strings.Cut(raw, "\r\n\r\n")
	endLine := "\r\n-------"
	if f := strings.Fields(raw); len(f) > 1 && f[0] == "MSRP" {
		endLine += f[1]
	}
	if !ok {
		head, _, _ = strings.Cut(raw, endLine)
		return head, ""
	}
	if i := strings.LastIndex("\r\n"+body, endLine); i >= 0 {
		body = body[:max(0, i-2)]
	}
	return head, body
}

// excerpt is what a reader of the diagram may see of a message. The texts that
// users write to each other are apart, and there only if asked for.
func excerpt(r daemon.TraceRecord, bodies bool) (tip, body string) {
	head, text, private := r.Raw, "", false
	switch r.Protocol {
	case "MSRP":
		head, text = splitMSRP(r.Raw)
		private = true
	case "SIP":
		head, text, _ = strings.Cut(r.Raw, "\r\n\r\n")
		t := strings.ToLower(header(head, "Content-Type") + header(head, "c"))
		private = !strings.HasPrefix(t, "application/") || strings.HasPrefix(t, "multipart/")
		if !private {
			head = r.Raw
		}
	}
	tip = lines(head, maxTip, maxTipLines)
	if private && bodies {
		body = lines(text, maxTip, maxTipLines)
	}
	return tip, body
}

// lines are the first printable lines of s, with an ellipsis for the rest.
func lines(s string, size, n int) string {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	var b strings.Builder
	for line := range strings.Lines(s) {
		line = short(strings.TrimSuffix(line, "\n"), size)
		if n--; n < 0 || b.Len()+len(line) > size {
			b.WriteString("…\n")
			break
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}
