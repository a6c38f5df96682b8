package mscp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
)

// channel connects a client and a server over loopback TCP.
func channel(t *testing.T, h Handler, ccfg, scfg Config) (*Client, *Server) {
	t.Helper()
	as, ms := testutil.TCPPair(t)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	ccfg.Logger, scfg.Logger = log, log
	c, s := NewClient(as, ccfg), NewServer(ms, h, scfg)
	t.Cleanup(func() { c.Close(); s.Close() })
	return c, s
}

func echo(_ context.Context, req Element) (Element, error) {
	switch r := req.(type) {
	case *RestoreMsg:
		return &MsgRestored{r.FromURI, r.ToURI, r.ConnectionID}, nil
	case *SendMsg:
		return nil, &Error{StatusInternalError, "no & never"}
	}
	return Refuse(req, "not here"), nil
}

func TestRequests(t *testing.T) {
	for _, dialect := range []Dialect{Draft, Paper} {
		c, _ := channel(t, echo, Config{Dialect: dialect}, Config{Dialect: dialect})
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				id := fmt.Sprintf("call-%d;a<b;\"c\"", i)
				resp, err := c.Do(t.Context(), &RestoreMsg{"sip:a&b@example.com", "sip:李@example.com", id, "", ""})
				r, ok := resp.(*MsgRestored)
				if err != nil || !ok || r.ConnectionID != id || r.FromURI != "sip:a&b@example.com" || r.ToURI != "sip:李@example.com" {
					t.Errorf("got %#v, %v", resp, err)
				}
			})
		}
		wg.Wait()
		var e *Error
		if _, err := c.Do(t.Context(), &SendMsg{"a", "b", "c"}); !errors.As(err, &e) || e.Code != 500 || e.Reason != "no & never" {
			t.Errorf("a handler's error: %v", err)
		}
		resp, err := c.Do(t.Context(), &DialogStart{ConnectionID: "x", Src: "y"})
		o, ok := resp.(*ErrorDialogNotStarted)
		if err != nil || !ok || o.DialogID == "" || o.ConnectionID != "x" || o.Reason != "not here" {
			t.Errorf("a request that is not served: %#v, %v", resp, err)
		}
		if _, err := c.Do(t.Context(), &Other{Space: "urn:foreign", Local: "thing"}); !errors.As(err, &e) || e.Code != 400 {
			t.Errorf("a foreign request: %v", err)
		}
	}
}

// TestAnyOrder answers the first of two requests last.
func TestAnyOrder(t *testing.T) {
	second := make(chan struct{})
	c, _ := channel(t, func(_ context.Context, req Element) (Element, error) {
		if req.(*SendMsg).ConnectionID == "1" {
			<-second
		} else {
			defer close(second)
		}
		return &MsgSended{ConnectionID: req.(*SendMsg).ConnectionID}, nil
	}, Config{}, Config{})
	var wg sync.WaitGroup
	for _, id := range []string{"1", "2"} {
		wg.Go(func() {
			resp, err := c.Do(t.Context(), &SendMsg{ConnectionID: id})
			if r, ok := resp.(*MsgSended); err != nil || !ok || r.ConnectionID != id {
				t.Errorf("%s: got %#v, %v", id, resp, err)
			}
		})
	}
	wg.Wait()
}

func TestNotificationsKeepTheirOrder(t *testing.T) {
	got := make(chan string, 100)
	_, s := channel(t, echo, Config{OnNotification: func(e Element) { got <- e.(*DialogExit).DialogID }}, Config{})
	for i := range 100 {
		if err := s.Notify(t.Context(), &DialogExit{DialogID: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		if n := <-got; n != fmt.Sprint(i) {
			t.Fatalf("notification %s in the place of %d", n, i)
		}
	}
}

func TestOutstandingRequestsFailWithTheChannel(t *testing.T) {
	started := make(chan struct{})
	c, s := channel(t, func(ctx context.Context, _ Element) (Element, error) {
		close(started)
		<-ctx.Done()
		return nil, ctx.Err()
	}, Config{}, Config{})
	go func() { <-started; s.conn.c.Close() }()
	if _, err := c.Do(t.Context(), &SendMsg{}); !errors.Is(err, ErrChannelClosed) {
		t.Errorf("an outstanding request: %v", err)
	}
	if _, err := c.Do(t.Context(), &SendMsg{}); !errors.Is(err, ErrChannelClosed) {
		t.Errorf("a request afterwards: %v", err)
	}
	<-c.Done()
}

func TestDoEndsWithItsContext(t *testing.T) {
	c, _ := channel(t, func(ctx context.Context, _ Element) (Element, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}, Config{}, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Do(ctx, &SendMsg{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if len(c.waiting) != 0 {
		t.Errorf("%d requests are still waited for", len(c.waiting))
	}
}

// TestRawPeer talks to a server byte by byte: what a foreign AS may send, and
// what it must get.
func TestRawPeer(t *testing.T) {
	const doc = `<mscp version="1.0" xmlns="urn:ietf:mscp"><request><RestoreMsg from-uri="a" to-uri=" b" connection-id="c"/></request></mscp>`
	parts := strings.Repeat("--x\r\nContent-Type: application/mscp+xml\r\n\r\n"+doc+"\r\n", 2) + "--x--"
	pdu := func(start, body string) string {
		return fmt.Sprintf("%s\r\nContent-Type: application/mscp+xml\r\nContent-Length: %d\r\n\r\n%s", start, len(body), body)
	}
	for name, tc := range map[string]struct {
		send string
		want []string // in the response; nil means that the connection is closed
	}{
		"as in the examples": {pdu("REQ MSCP/1.0 21091", doc), []string{"MSCP/1.0 200 OK 21091\r\n", "<MsgRestored ", `to-uri="b"`}},
		"as in the grammar":  {pdu("REQ MSCP/1.0  7\r\n", doc), []string{"MSCP/1.0 200 OK 7\r\n"}},
		"headers odd": {fmt.Sprintf("REQ MSCP/1.0 8\ncontent-LENGTH : %d\nX-More: y\nCONTENT-TYPE: Application/MSCP+XML; charset=utf-8\n\n%s", len(doc), doc),
			[]string{"MSCP/1.0 200 OK 8\r\n"}},
		"paper": {pdu("REQ MSCP/1.0 9", `<request id="r1"><RestoreMsg from-uri="a" to-uri="b" connectionid="c"/></request>`),
			[]string{"200 OK 9", `<response id="r1">`, `connection-id="c"`}},
		"multipart": {fmt.Sprintf("REQ MSCP/1.0 10\r\nContent-Type: multipart/mixed; boundary=x\r\nContent-Length: %d\r\n\r\n%s", len(parts), parts),
			[]string{"200 OK 10", "multipart/mixed", "MsgRestored"}},
		"not XML":          {pdu("REQ MSCP/1.0 11", "hello"), []string{"MSCP/1.0 400 Bad Request 11\r\n", "<response>"}},
		"empty request":    {pdu("REQ MSCP/1.0 12", `<mscp version="1.0" xmlns="urn:ietf:mscp"><request/></mscp>`), []string{"400 Bad Request 12"}},
		"a response in it": {pdu("REQ MSCP/1.0 13", `<mscp version="1.0" xmlns="urn:ietf:mscp"><response><MsgSended/></response></mscp>`), []string{"400 Bad Request 13"}},
		"garbage":          {"GET / HTTP/1.1\r\n\r\n", nil},
		"long line":        {strings.Repeat("x", MaxLine+1), nil},
		"huge body":        {"REQ MSCP/1.0 1\r\nContent-Length: 1073741824\r\n\r\n", []string{"400 Bad Request 1\r\n", "<RequestFailed "}},
		"endless headers":  {"REQ MSCP/1.0 1\r\n" + strings.Repeat("A: b\r\n", MaxHeaders+2), []string{"400 Bad Request 1\r\n"}},
		"version 2":        {pdu("REQ MSCP/2.0 5", doc), []string{"400 Bad Request 5\r\n", "is not MSCP/1.0"}},
		"a long id":        {pdu("REQ MSCP/1.0 123456789012345678901234", doc), []string{"MSCP/1.0 200 OK 123456789012345678901234\r\n"}},
		"an id with zeros": {pdu("REQ MSCP/1.0 007", doc), []string{"MSCP/1.0 200 OK 007\r\n"}},
		"a response":       {pdu("MSCP/1.0 200 OK 1", doc), nil},
	} {
		t.Run(name, func(t *testing.T) {
			as, ms := testutil.TCPPair(t)
			s := NewServer(ms, echo, Config{})
			defer s.Close()
			_ = as.SetDeadline(time.Now().Add(5 * time.Second))
			if _, err := io.WriteString(as, tc.send); err != nil {
				t.Fatal(err)
			}
			r := NewReader(as)
			_, err := r.Read()
			if tc.want == nil {
				var timeout net.Error
				if err == nil || errors.As(err, &timeout) && timeout.Timeout() {
					t.Fatalf("the connection was not closed: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range tc.want {
				if !strings.Contains(string(r.Raw()), want) {
					t.Errorf("the response lacks %q:\n%s", want, r.Raw())
				}
			}
		})
	}
}

func BenchmarkRequests(b *testing.B) {
	a, m := net.Pipe()
	c, s := NewClient(a, Config{}), NewServer(m, echo, Config{})
	defer s.Close()
	defer c.Close()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Do(b.Context(), &RestoreMsg{"sip:alice@example.com", "sip:bob@example.com", "a84b4c71@10.0.0.2;1923;1134", "", ""}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestLargeRequestsAreFew checks that requests of a megabyte are not held in
// memory by the thousand: few are handled at once, and all in the end.
func TestLargeRequestsAreFew(t *testing.T) {
	const requests, most = 20, MaxOutstanding / (1 + 1_000_000/slotBytes)
	var now, peak atomic.Int32
	var once sync.Once
	full, release := make(chan struct{}), make(chan struct{})
	as, ms := testutil.TCPPair(t)
	s := NewServer(ms, func(_ context.Context, req Element) (Element, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
		}
		if n == most {
			once.Do(func() { close(full) })
		}
		<-release
		return &MsgSended{}, nil
	}, Config{})
	defer s.Close()
	body := []byte(open + `<request>` + strings.Repeat(" ", 1_000_000) + `<SendMsg/></request>` + closing)
	go func() {
		for i := range requests {
			_ = (&PDU{Kind: Request, ID: uint64(i), Body: body}).Write(as)
		}
	}()
	<-full
	close(release)
	r := NewReader(as)
	for range requests {
		if p, err := r.Read(); err != nil || p.Status != StatusOK {
			t.Fatalf("%+v, %v", p, err)
		}
	}
	if n := peak.Load(); n != most {
		t.Errorf("%d at once, not %d", n, most)
	}
}
