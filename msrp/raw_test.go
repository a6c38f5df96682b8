package msrp

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/msrp/msrptest"
)

// raw is a scripted peer that talks to an accepted session.
type raw struct {
	*msrptest.Peer
	t    *testing.T
	s    *Session
	l    *Listener
	n    int
	me   string
	logs *testutil.Buffer
}

func newRaw(t *testing.T, cfg Config, sc SessionConfig) *raw {
	t.Helper()
	r := &raw{t: t, me: "msrp://127.0.0.1:9/peer;tcp", logs: &testutil.Buffer{}}
	cfg.Logger = slog.New(slog.NewTextHandler(r.logs, nil))
	r.l = testListener(t, cfg)
	sc.Local = r.l.NewURI("")
	sc.Remote = Path{testURI(t, r.me)}
	var err error
	if r.s, err = r.l.Accept(sc); err != nil {
		t.Fatal(err)
	}
	r.Peer = msrptest.Dial(t, r.l.Addr().String())
	return r
}

// send writes a SEND; body is left out if it is nil.
func (r *raw) send(flag string, id, rng string, body *string, headers ...string) string {
	r.t.Helper()
	r.n++
	tid := fmt.Sprintf("tid%05d", r.n)
	lines := []string{"MSRP " + tid + " SEND", "To-Path: " + r.s.Local().String(), "From-Path: " + r.me}
	if id != "" {
		lines = append(lines, "Message-ID: "+id)
	}
	if rng != "" {
		lines = append(lines, "Byte-Range: "+rng)
	}
	lines = append(lines, headers...)
	if body != nil {
		lines = append(lines, "Content-Type: text/plain", "", *body)
	}
	r.Send(append(lines, "-------"+tid+flag)...)
	return tid
}

// head is the start of a SEND, up to its Content-Type.
func (r *raw) head(tid string) string {
	return "MSRP " + tid + " SEND\r\nTo-Path: " + r.s.Local().String() + "\r\nFrom-Path: " + r.me +
		"\r\nMessage-ID: m\r\nContent-Type: a/b"
}

// want reads a response.
func (r *raw) want(tid string, code int) {
	r.t.Helper()
	f := r.Next()
	if f.TID != tid || f.Code != code {
		r.t.Fatalf("got %s %s %d %s, want %s %d", f.TID, f.Method, f.Code, f.Comment, tid, code)
	}
	if f.Get("To-Path") != r.me || f.Get("From-Path") != r.s.Local().String() {
		r.t.Fatalf("paths %q", f.Header)
	}
}

func str(s string) *string { return &s }
