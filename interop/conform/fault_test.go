package conform

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/gomscp/gomscp/mscp"
)

// A fault is what a media server does wrong, and the strict case that notices it first.
type fault struct {
	name, fails string

	sdp     func(s *servingMS, offer, sdp string) string  // changes session descriptions
	answer  func(req, resp string) string                 // changes the response to a request
	out     func(string) string                           // changes all that is sent, PDU by PDU
	in      func(c *flawed, pdu string, more bool) string // changes what comes; more does behind it
	segment func([]byte) []byte                           // changes what is read
	info    func(string) string                           // changes what is sent over INFO
	number  func(c *flawed, n int) string                 // gives the id of the n-th conference of all

	handle   func(s *servingMS, req mscp.Element, serve server) (mscp.Element, error)
	notify   func(s *servingMS, e mscp.Element, tell func(mscp.Element)) // what the application server is told
	notified func(s *servingMS, e mscp.Element, take func(mscp.Element)) // what it tells
	check    func(*mscp.Media) error

	lasting        bool // a channel outlives its dialog
	anyConnection  bool // every id is one of a connection
	immortal       bool // a connection outlives its dialog
	noReinvite     bool // no re-INVITE is taken
	sharedFate     bool // the end of one dialog ends all channels
	ownerEnds      bool // the end of a TCP connection ends all that was made over it
	serial         bool // a new connection is served only after the peer has closed the old one
	stale          bool // notifications go over the first connection
	anyCertificate bool
	infoEcho       bool // notifications over INFO are answered
	infoCross      bool // responses over INFO go over the first dialog
	forgets        bool // messages are forgotten before they are acknowledged
	remembers      bool // messages are kept after they were acknowledged
	mixes          bool // senders are not told apart
	verbatim       bool // the Content-Length of out is as it is
}

type server = func(mscp.Element) (mscp.Element, error)

// flawed is a connection on which something else is sent and read.
type flawed struct {
	net.Conn
	s     *servingMS
	f     fault
	nth   int             // of the channels of the server
	ended chan struct{}   // closed when the peer has closed it
	after <-chan struct{} // what reads wait for; nil for nothing

	mu       sync.Mutex
	rest     []byte            // the beginning of a PDU that is sent
	requests map[string]string // by request-id
	order    []string          // of the request-ids
	ids      map[string]string // of conferences, by those that are given out
	given    map[string]string // the reverse

	raw, read []byte // what has come, and what is still to be read
	broken    bool   // nothing can be told apart any more
	held      string // a PDU that waits
	state     int    // for the fault's own use
}

func newFlawed(s *servingMS, c net.Conn, nth int) *flawed {
	return &flawed{Conn: c, s: s, f: s.f, nth: nth, ended: make(chan struct{}), requests: map[string]string{}, ids: map[string]string{}, given: map[string]string{}}
}

var (
	contentLength = regexp.MustCompile("Content-Length: [0-9]+")
	startID       = regexp.MustCompile(`^(?:REQ MSCP/[0-9.]+ +|MSCP/[0-9.]+ [0-9]+ [A-Za-z ]+ )([0-9]+)\r\n`)
	conferenceIDs = regexp.MustCompile(`conference-[A-Z2-7]{20,}`)
)

// framed gives a PDU the Content-Length that it has.
func framed(s string) string {
	if head, body, ok := strings.Cut(s, "\r\n\r\n"); ok && strings.Count(s, "MSCP/1.0") == 1 {
		return contentLength.ReplaceAllString(head, fmt.Sprintf("Content-Length: %d", len(body))) + "\r\n\r\n" + body
	}
	return s
}

func (c *flawed) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rest = append(c.rest, b...)
	var out strings.Builder
	for r := mscp.NewReader(bytes.NewReader(c.rest)); ; {
		if _, err := r.Read(); err != nil {
			break
		}
		c.rest = c.rest[len(r.Raw()):]
		out.WriteString(c.spoil(string(r.Raw())))
	}
	if _, err := io.WriteString(c.Conn, out.String()); err != nil {
		return 0, err
	}
	return len(b), nil
}

// spoil changes a PDU that is sent.
func (c *flawed) spoil(pdu string) string {
	if c.f.number != nil {
		pdu = conferenceIDs.ReplaceAllStringFunc(pdu, func(real string) string {
			if c.given[real] == "" {
				c.given[real] = c.f.number(c, c.s.count())
			}
			c.ids[c.given[real]] = real
			return c.given[real]
		})
	}
	if id := startID.FindStringSubmatch(pdu); id != nil && c.f.answer != nil {
		pdu = c.f.answer(c.requests[id[1]], pdu)
	}
	if c.f.verbatim {
		return change(c.f.out, framed(pdu))
	}
	return framed(change(c.f.out, framed(pdu)))
}

func (c *flawed) Read(b []byte) (int, error) {
	if c.after != nil {
		select {
		case <-c.after:
		case <-c.s.t.Context().Done():
		}
	}
	for {
		c.mu.Lock()
		if n := copy(b, c.read); n > 0 {
			c.read = c.read[n:]
			c.mu.Unlock()
			return n, nil
		}
		c.mu.Unlock()
		var buf [4096]byte
		n, err := c.Conn.Read(buf[:])
		if n > 0 {
			c.take(buf[:n])
			continue
		}
		if err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrDeadlineExceeded) {
			select {
			case <-c.ended:
			default:
				close(c.ended)
			}
		}
		return 0, err
	}
}

// take has what has come read, PDU by PDU if that is possible.
func (c *flawed) take(b []byte) {
	if c.f.segment != nil {
		b = c.f.segment(b)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.f.in == nil && c.f.answer == nil && c.f.number == nil || c.broken {
		c.read = append(c.read, b...)
		return
	}
	c.raw = append(c.raw, b...)
	for len(c.raw) > 0 {
		n := pduLength(c.raw)
		if n < 0 {
			c.broken = true
			c.read, c.raw = append(c.read, c.raw...), nil
			return
		}
		if n == 0 || n > len(c.raw) {
			return
		}
		pdu := string(c.raw[:n])
		c.raw = c.raw[n:]
		c.read = append(c.read, c.came(pdu, len(c.raw) > 0)...)
	}
}

var anyLength = regexp.MustCompile(`(?i)\r\ncontent-length:[ \t]*([0-9]{1,6})\r\n`)

// pduLength is the length of the PDU that b begins with; 0 if that is not there yet, and
// negative if nobody can tell.
func pduLength(b []byte) int {
	head := bytes.Index(b, []byte("\r\n\r\n"))
	if head < 0 {
		if len(b) > 1024 {
			return -1
		}
		return 0
	}
	m := anyLength.FindSubmatch(b[:head+4])
	if m == nil {
		return -1
	}
	n, _ := strconv.Atoi(string(m[1]))
	return head + 4 + n
}

// came is what is read instead of a PDU.
func (c *flawed) came(pdu string, more bool) string {
	if id := startID.FindStringSubmatch(pdu); id != nil {
		c.requests[id[1]] = pdu
		c.order = append(c.order, id[1])
	}
	if c.f.in != nil {
		pdu = c.f.in(c, pdu, more)
	}
	for given, real := range c.ids {
		pdu = strings.ReplaceAll(pdu, `"`+given+`"`, `"`+real+`"`)
	}
	return framed(pdu)
}

// say sends what nobody has asked for.
func (c *flawed) say(pdu string) { _, _ = io.WriteString(c.Conn, pdu) }
