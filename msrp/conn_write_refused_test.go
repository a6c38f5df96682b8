package msrp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/msrp/msrptest"
)

// stuck makes a session whose peer reads nothing until it wants to, with no
// room for bytes on the way: a chunk being written stays in the middle.
func stuck(t *testing.T, cfg Config) (*Session, *msrptest.Peer) {
	t.Helper()
	near, far := net.Pipe()
	cfg.Logger = quiet
	full, err := cfg.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSession(full, SessionConfig{Local: testURI(t, "msrp://127.0.0.1:9/us;tcp"),
		Remote: Path{testURI(t, "msrp://127.0.0.1:9/them;tcp")}, Handler: discard}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := newConn(near, full, nil)
	s.bindAndOpen(c)
	c.startReader()
	p := msrptest.New(t, far)
	t.Cleanup(func() { far.Close(); s.Close() })
	return s, p
}

// A 413 interrupts the chunk that is being sent.
func TestRefusalInterruptsChunk(t *testing.T) {
	for _, how := range []string{"response", "report"} {
		t.Run(how, func(t *testing.T) { testRefusalInterruptsChunk(t, how == "report") })
	}
}

func testRefusalInterruptsChunk(t *testing.T, report bool) {
	s, p := stuck(t, Config{ChunkSize: MaxChunkSize})
	m := binaryMessage(noise(MaxChunkSize))
	m.MessageID = "12339sdqwer"
	_, ec := sendTo(s, m)
	head := make([]byte, 64)
	if _, err := io.ReadFull(p.Conn, head); err != nil {
		t.Fatal(err)
	}
	tid := strings.Fields(string(head))[1]
	if report {
		p.Send("MSRP abcd1234 REPORT", "To-Path: msrp://127.0.0.1:9/us;tcp", "From-Path: msrp://127.0.0.1:9/them;tcp",
			"Message-ID: 12339sdqwer", "Byte-Range: 1-1/*", "Status: 000 413 Enough", "-------abcd1234$")
	} else {
		p.Send("MSRP "+tid+" 413 Enough", "To-Path: msrp://127.0.0.1:9/us;tcp", "From-Path: msrp://127.0.0.1:9/them;tcp", "-------"+tid+"$")
	}
	var se *StatusError
	for err := error(nil); !errors.As(err, &se); err = s.sendingError() {
		time.Sleep(time.Millisecond)
	}
	rest := msrptest.New(t, prefixed{p.Conn, bytes.NewReader(head)})
	f := rest.Next()
	if f.Flag != '#' || len(f.Body) >= MaxChunkSize {
		t.Fatalf("%d bytes, %c", len(f.Body), f.Flag)
	}
	if err := next(t, ec); !errors.As(err, &se) || se.Code != 413 {
		t.Fatalf("got %v", err)
	}
	rest.Quiet(20 * time.Millisecond)
}

// sendingError is why the message being sent has failed.
func (s *Session) sendingError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.sending {
		return o.failure()
	}
	return nil
}

// A response that waits interrupts a long chunk, which goes on behind it.
func TestResponseInterrupts(t *testing.T) {
	s, p := stuck(t, Config{ChunkSize: MaxChunkSize})
	body := noise(MaxChunkSize)
	_, ec := sendTo(s, binaryMessage(body))
	head := make([]byte, 64)
	if _, err := io.ReadFull(p.Conn, head); err != nil {
		t.Fatal(err)
	}
	p.Send("MSRP abcd1234 SEND", "To-Path: msrp://127.0.0.1:9/us;tcp", "From-Path: msrp://127.0.0.1:9/them;tcp", "Message-ID: m",
		"Content-Type: a/b", "", "x", "-------abcd1234$")
	for len(s.conn().ctl) == 0 {
		time.Sleep(time.Millisecond)
	}
	rest := msrptest.New(t, prefixed{p.Conn, bytes.NewReader(head)})
	f := rest.Next()
	if f.Flag != '+' || f.Get("Byte-Range") != fmt.Sprintf("1-*/%d", len(body)) || len(f.Body) < 2048 {
		t.Fatalf("%d bytes, %c", len(f.Body), f.Flag)
	}
	if r := rest.Next(); r.Code != 200 || r.TID != "abcd1234" {
		t.Fatalf("got %+v", r)
	}
	rest.Answer(f, 200, "OK")
	all := f.Body
	for f.Flag != '$' {
		f = rest.Next()
		if f.Get("Byte-Range") != fmt.Sprintf("%d-*/%d", len(all)+1, len(body)) {
			t.Fatalf("got %s behind %d", f.Get("Byte-Range"), len(all))
		}
		all = append(all, f.Body...)
		rest.Answer(f, 200, "OK")
	}
	if !bytes.Equal(all, body) {
		t.Fatal("body differs")
	}
	if err := next(t, ec); err != nil {
		t.Fatal(err)
	}
}

// prefixed is a connection of which something has been read already.
type prefixed struct {
	net.Conn
	first *bytes.Reader
}

func (p prefixed) Read(b []byte) (int, error) {
	if p.first.Len() > 0 {
		return p.first.Read(b)
	}
	return p.Conn.Read(b)
}
