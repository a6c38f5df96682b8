package conform

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/gomscp/gomscp/mscp"
)

// A fault is what a media server does wrong, and the strict case that notices it first.
type fault struct {
	name, fails string

	sdp  func(string) string // changes session descriptions
	out  func(string) string // changes what is sent, PDU by PDU
	in   func(string) string // changes what comes, as it was read
	info func(string) string // changes what is sent over INFO; "" sends nothing

	handle   func(s *servingMS, req mscp.Element, serve func(mscp.Element) (mscp.Element, error)) (mscp.Element, error)
	notify   func(s *servingMS, e mscp.Element, tell func(mscp.Element)) // what the application server is told
	notified func(s *servingMS, e mscp.Element, take func(mscp.Element)) // what it tells
	acceptor func(s *servingMS, a *mscp.Acceptor)

	lasting, strict, anyConnection, immortal, wrongLength bool
}

// flawed is a connection on which something else is sent.
type flawed struct {
	net.Conn
	f    fault
	mu   sync.Mutex
	rest []byte // the beginning of a PDU
}

func (c *flawed) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rest = append(c.rest, b...)
	// Bodies change in length, so Content-Length is made anew.
	var out strings.Builder
	for r := mscp.NewReader(bytes.NewReader(c.rest)); ; {
		if _, err := r.Read(); err != nil {
			break
		}
		c.rest = c.rest[len(r.Raw()):]
		s := change(c.f.out, string(r.Raw()))
		if head, body, ok := strings.Cut(s, "\r\n\r\n"); ok && strings.Count(s, "MSCP/1.0") == 1 && !c.f.wrongLength {
			s = contentLength.ReplaceAllString(head, fmt.Sprintf("Content-Length: %d", len(body))) + "\r\n\r\n" + body
		}
		out.WriteString(s)
	}
	if _, err := io.WriteString(c.Conn, out.String()); err != nil {
		return 0, err
	}
	return len(b), nil
}

var contentLength = regexp.MustCompile("Content-Length: [0-9]+")

// TestMSCPServing runs all cases against a media server that serves everything: none fails,
// and none is skipped that it is for.
func TestMSCPServing(t *testing.T) {
	for _, transport := range []string{"tcp", "tls", "info"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			m := serve(t, fault{}).target()
			m.Transport = transport
			for _, r := range runAll(t, m, Options{}) {
				if r.Counts(Options{}) || r.Outcome == Skipped && transport != "info" {
					t.Errorf("%s: %s", r.ID, r.Detail)
				}
			}
		})
	}
}
