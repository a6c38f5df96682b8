package mscp

import (
	"context"
	"errors"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
)

// controlPair is an Acceptor that runs, and what carries offers to it.
func controlPair(t *testing.T, h Handler) (a *Acceptor, exchange Exchange, end context.CancelFunc, ended chan error) {
	a = &Acceptor{Host: "127.0.0.1", Serve: func(c net.Conn) *Server { return NewServer(c, h, Config{}) }}
	ctx, end := context.WithCancel(t.Context())
	ended = make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(end)
	return a, func(_ context.Context, offer []byte) ([]byte, error) { return a.Answer(offer) }, end, ended
}

// TestMoveWithoutGap offers a new connection while the old one is in use: the
// new one serves at once, and the old one still answers what it has.
func TestMoveWithoutGap(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	_, exchange, end, ended := controlPair(t, func(_ context.Context, req Element) (Element, error) {
		m := req.(*SendMsg)
		if m.FromURI == "slow" {
			close(started)
			<-release
		}
		return &MsgSended{m.FromURI, m.ToURI, m.ConnectionID}, nil
	})
	as := &Connector{Host: "127.0.0.1"}
	before, err := as.Connect(t.Context(), exchange)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	slow := make(chan error, 1)
	go func() {
		_, err := before.Do(t.Context(), &SendMsg{"slow", "b", "c"})
		slow <- err
	}()
	<-started
	now, err := as.Connect(t.Context(), exchange)
	if err != nil {
		t.Fatal(err)
	}
	defer now.Close()
	if _, err := now.Do(t.Context(), &SendMsg{"a", "b", "c"}); err != nil {
		t.Errorf("the new connection: %v", err)
	}
	close(release)
	if err := <-slow; err != nil {
		t.Errorf("what the old one had: %v", err)
	}
	<-before.Done() // the MS ends it
	if err := before.Err(); !errors.Is(err, io.EOF) {
		t.Errorf("the old one ended with %v", err)
	}
	if _, err := now.Do(t.Context(), &SendMsg{"a", "b", "c"}); err != nil {
		t.Errorf("the new connection, later: %v", err)
	}
	end()
	<-now.Done()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestAcceptorOffers checks what is answered to which offers in one dialog, and
// that nobody is awaited at an earlier answer's port.
func TestAcceptorOffers(t *testing.T) {
	a, exchange, end, ended := controlPair(t, echo)
	first, err := a.Answer(offerOf(t, "new"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ParseSDP(first)
	if err != nil {
		t.Fatal(err)
	}
	as := &Connector{Host: "127.0.0.1"}
	c, err := as.Connect(t.Context(), exchange)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if conn, err := net.Dial("tcp", (&net.TCPAddr{IP: net.ParseIP(m.Host), Port: m.Port}).String()); err == nil {
		conn.Close()
		t.Error("somebody is awaited at the first port")
	}
	if _, err := c.Do(t.Context(), &RestoreMsg{"a", "b", "c", "", ""}); err != nil {
		t.Fatal(err)
	}
	kept, err := a.Answer(offerOf(t, "existing"))
	if err != nil || !strings.Contains(string(kept), "a=connection:existing") {
		t.Errorf("%s, %v", kept, err)
	}
	for _, wrong := range []string{"m=application 9 TCP/MS *\r\na=setup:passive\r\n", "m=application 5000 TCP/MS *\r\na=setup:active\r\n",
		"m=application 9 TCP/TLS/MS *\r\na=setup:active\r\n", "m=audio 9 RTP/AVP 0\r\n"} {
		if b, err := a.Answer([]byte("v=0\r\nc=IN IP4 127.0.0.1\r\n" + wrong)); err == nil {
			t.Errorf("%s is answered by\n%s", wrong, b)
		}
	}
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := a.Answer(offerOf(t, "new")); !errors.Is(err, ErrChannelClosed) {
		t.Errorf("after the end: %v", err)
	}
}

func offerOf(t *testing.T, connection string) []byte {
	m := NewOffer("127.0.0.1")
	m.Connection = connection
	b, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestOrphan ends a dialog that has no connection for long.
func TestOrphan(t *testing.T) {
	a := &Acceptor{Host: "127.0.0.1", Orphan: 10 * time.Millisecond}
	if _, err := a.Answer(offerOf(t, "new")); err != nil {
		t.Fatal(err)
	}
	if err := a.Run(t.Context()); !errors.Is(err, ErrOrphan) {
		t.Errorf("ended with %v", err)
	}
}

// TestSessionOfOneDialog checks the o= lines of one dialog. See RFC 3264,
// section 8.
func TestSessionOfOneDialog(t *testing.T) {
	var s Session
	offer := offerOf(t, "new")
	m, err := ParseSDP(offer)
	if err != nil {
		t.Fatal(err)
	}
	var origins [][]string
	for _, port := range []int{4000, 4001, 4001, 4002} {
		b, err := s.MarshalAnswer(m.Answer("127.0.0.1", port), offer)
		if err != nil {
			t.Fatal(err)
		}
		origins = append(origins, regexp.MustCompile(`o=- (\d+) (\d+) `).FindStringSubmatch(string(b)))
	}
	for i, rises := range []bool{true, false, true} {
		a, b := origins[i], origins[i+1]
		if a[1] != b[1] || (compareIDs(b[2], a[2]) > 0) != rises {
			t.Errorf("%d: %s became %s", i, a[0], b[0])
		}
	}
	s, origins = Session{}, nil
	for _, connection := range []string{"new", "new", "existing", "existing"} {
		m := NewOffer("127.0.0.1")
		m.Connection = connection
		b, err := s.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		origins = append(origins, regexp.MustCompile(`o=- (\d+) (\d+) `).FindStringSubmatch(string(b)))
	}
	for i, rises := range []bool{true, true, false} {
		if a, b := origins[i], origins[i+1]; a[1] != b[1] || (compareIDs(b[2], a[2]) > 0) != rises {
			t.Errorf("offer %d: %s became %s", i, a[0], b[0])
		}
	}
}

// TestSessionLevel reads attributes of both levels. See RFC 4145, section 4, and
// RFC 8122, section 5.
func TestSessionLevel(t *testing.T) {
	const head = "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=x\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\n"
	sum := "sha-256 " + strings.TrimSuffix(strings.Repeat("AB:", 32), ":")
	for _, tc := range []struct {
		session, media string
		want           Media
	}{
		{"a=setup:active\r\na=connection:existing\r\na=fingerprint:" + sum + "\r\n", "", Media{Setup: "active", Connection: "existing", Fingerprint: sum}},
		{"a=setup:active\r\na=fingerprint:sha-1 00\r\n", "a=setup:passive\r\na=fingerprint:" + sum + "\r\n", Media{Setup: "passive", Connection: "new", Fingerprint: sum}},
	} {
		m, err := ParseSDP([]byte(head + tc.session + "m=audio 0 RTP/AVP 0\r\na=setup:actpass\r\nm=application 9 TCP/TLS/MS *\r\n" + tc.media))
		tc.want.Host, tc.want.Port, tc.want.TLS = "1.2.3.4", 9, true
		if err != nil || *m != tc.want {
			t.Errorf("%+v, %v", m, err)
		}
	}
	for body, want := range map[string]string{
		head + "a=setup:active\r\nm=application 9 TCP/MS *\r\n":                       "",
		head + "a=setup:active\r\nm=application 5000 TCP/MS *\r\n":                    "the port of an offer is 5000, not 9",
		head + "m=application 5000 TCP/MS *\r\na=setup:active\r\n":                    "the port of an offer is 5000, not 9",
		head + "a=setup:active\r\nm=application 5000 TCP/MS *\r\na=setup:passive\r\n": "",
		head + "m=application 9 TCP/MS *\r\n":                                         "no a=setup",
	} {
		var all string
		for _, f := range ValidateSDP([]byte(body)) {
			all += f.String()
		}
		if (all == "") != (want == "") || !strings.Contains(all, want) {
			t.Errorf("%s: %s", body, all)
		}
	}
}
