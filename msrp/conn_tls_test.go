package msrp

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
)

func TestTLSWithFingerprints(t *testing.T) {
	certA, certB, certC := testutil.SelfSigned(t), testutil.SelfSigned(t), testutil.SelfSigned(t)
	printOf := func(c tls.Certificate) []string {
		s, err := Fingerprint(c)
		if err != nil {
			t.Fatal(err)
		}
		return []string{"md2 00", s}
	}
	for _, test := range []struct {
		name         string
		a            *tls.Config
		wantA, wantB []string // the fingerprint each wants of the other
		code         int
		err          error
	}{
		{"both", &tls.Config{Certificates: []tls.Certificate{certA}}, printOf(certB), printOf(certA), 0, nil},
		{"server only", nil, printOf(certB), nil, 0, nil},
		{"wrong server", nil, printOf(certC), nil, 0, errFingerprint},
		{"wrong client", &tls.Config{Certificates: []tls.Certificate{certC}}, printOf(certB), printOf(certA), 403, nil},
		{"client without", nil, printOf(certB), printOf(certA), 403, nil},
		{"unknown hash", nil, []string{"md2 00:11"}, nil, 0, errFingerprint},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := testListener(t, Config{TLS: &tls.Config{Certificates: []tls.Certificate{certB}}})
			h, ch := collect(1)
			local := testURI(t, "msrps://127.0.0.1:9/me;tcp")
			b, err := l.Accept(SessionConfig{Local: l.NewURI(""), Remote: Path{local}, Handler: h, Fingerprints: test.wantB})
			if err != nil {
				t.Fatal(err)
			}
			if !b.Local().Secure {
				t.Fatal("not msrps")
			}
			a, err := Dial(testCtx(t), Config{Logger: quiet, TLS: test.a},
				SessionConfig{Local: local, Remote: Path{b.Local()}, Fingerprints: test.wantA})
			var se *StatusError
			switch {
			case test.err != nil:
				if !errors.Is(err, test.err) {
					t.Fatalf("got %v", err)
				}
				return
			case test.code != 0:
				if !errors.As(err, &se) || se.Code != test.code {
					t.Fatalf("got %v", err)
				}
				for l.connCount() > 0 { // torn down
					time.Sleep(time.Millisecond)
				}
				return
			case err != nil:
				t.Fatal(err)
			}
			defer a.Close()
			body := noise(300000)
			if _, err := a.Send(testCtx(t), binaryMessage(body)); err != nil {
				t.Fatal(err)
			}
			if g := next(t, ch); !bytes.Equal(g.body, body) {
				t.Fatal("body differs")
			}
		})
	}
}

// TestFingerprintsThatComeLate tells a session its peer's fingerprints before and
// after the peer has come, as an answer may be slower than the connection.
func TestFingerprintsThatComeLate(t *testing.T) {
	certA, certB := testutil.SelfSigned(t), testutil.SelfSigned(t)
	for name, test := range map[string]struct {
		of    tls.Certificate
		early bool
		ok    bool
	}{
		"right, after": {certA, false, true}, "wrong, after": {certB, false, false},
		"right, before": {certA, true, true}, "wrong, before": {certB, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			print, err := Fingerprint(test.of)
			if err != nil {
				t.Fatal(err)
			}
			l := testListener(t, Config{TLS: &tls.Config{Certificates: []tls.Certificate{certB}}})
			local := testURI(t, "msrps://127.0.0.1:9/me;tcp")
			b, err := l.Accept(SessionConfig{Local: l.NewURI(""), Remote: Path{local}})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			set := func() error { return b.SetFingerprints([]string{print}) }
			if test.early {
				if err := set(); err != nil {
					t.Fatal(err)
				}
			}
			own, err := Fingerprint(certB)
			if err != nil {
				t.Fatal(err)
			}
			a, err := Dial(testCtx(t), Config{Logger: quiet, TLS: &tls.Config{Certificates: []tls.Certificate{certA}}},
				SessionConfig{Local: local, Remote: Path{b.Local()}, Fingerprints: []string{own}})
			if err == nil {
				defer a.Close()
			}
			if test.early {
				if (err == nil) != test.ok {
					t.Fatalf("Dial: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := set(); (err == nil) != test.ok || err != nil && !errors.Is(err, errFingerprint) {
				t.Fatalf("SetFingerprints: %v", err)
			}
			if ended := b.Err() != nil; ended == test.ok {
				t.Errorf("the session: %v", b.Err())
			}
		})
	}
}

// TestEarlyDataOverTLS has a peer connect and send before its fingerprint is known: nothing
// is handed on until it is, and nothing ever if the certificate is another.
func TestEarlyDataOverTLS(t *testing.T) {
	certA, certB := testutil.SelfSigned(t), testutil.SelfSigned(t)
	for name, test := range map[string]struct {
		of   tls.Certificate
		want int // 0: the connection ends
	}{"right": {certA, 200}, "wrong": {certB, 403}} {
		t.Run(name, func(t *testing.T) {
			print, err := Fingerprint(test.of)
			if err != nil {
				t.Fatal(err)
			}
			l := testListener(t, Config{TLS: &tls.Config{Certificates: []tls.Certificate{certB}}})
			handled := make(chan string, 1)
			b, err := l.Accept(SessionConfig{Local: l.NewURI(""), Remote: Path{testURI(t, "msrps://127.0.0.1:9/peer;tcp")}, AwaitFingerprints: true,
				Handler: func(_ context.Context, m *Incoming) error {
					body, err := io.ReadAll(m)
					handled <- string(body)
					return err
				}})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			nc, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{Certificates: []tls.Certificate{certA}, InsecureSkipVerify: true})
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			frame := "MSRP early1 SEND\r\nTo-Path: " + b.Local().String() + "\r\nFrom-Path: msrps://127.0.0.1:9/peer;tcp\r\nMessage-ID: 1\r\n" +
				"Byte-Range: 1-5/5\r\nContent-Type: text/plain\r\n\r\nearly\r\n-------early1$\r\n"
			if _, err := nc.Write([]byte(frame)); err != nil {
				t.Fatal(err)
			}
			waiting := func() bool { // the reader has it, and waits
				l.mu.Lock()
				defer l.mu.Unlock()
				for c := range l.conns {
					return c.blocked.Load()
				}
				return false
			}
			for end := time.Now().Add(10 * time.Second); !waiting(); time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("what came early does not wait")
				}
			}
			select {
			case <-handled:
				t.Fatal("handed on before the fingerprint was known")
			case <-b.Bound():
				t.Fatal("bound before the fingerprint was known")
			default:
			}
			if err := b.SetFingerprints([]string{print}); err != nil {
				t.Fatal(err)
			}
			_ = nc.SetReadDeadline(time.Now().Add(10 * time.Second))
			line, err := bufio.NewReader(nc).ReadString('\n')
			if err != nil || !strings.HasPrefix(line, fmt.Sprintf("MSRP early1 %d", test.want)) {
				t.Errorf("answered with %q, %v", line, err)
			}
			if got := len(handled); got != map[int]int{200: 1, 403: 0}[test.want] {
				t.Errorf("%d messages were handed on", got)
			}
		})
	}
}

func TestTLSWithRoots(t *testing.T) {
	cert := testutil.SelfSigned(t)
	leaf, _ := x509.ParseCertificate(cert.Certificate[0])
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	l := testListener(t, Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
	local := testURI(t, "msrps://127.0.0.1:9/me;tcp")
	b, err := l.Accept(SessionConfig{Local: l.NewURI(""), Remote: Path{local}})
	if err != nil {
		t.Fatal(err)
	}
	sc := SessionConfig{Local: local, Remote: Path{b.Local()}}
	if _, err := Dial(testCtx(t), Config{Logger: quiet}, sc); err == nil {
		t.Fatal("an unknown authority was taken")
	}
	a, err := Dial(testCtx(t), Config{Logger: quiet, TLS: &tls.Config{RootCAs: roots}}, sc)
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
}

func TestSharedConnection(t *testing.T) {
	l := testListener(t, Config{})
	h, ch := collect(10)
	var first *Session
	var all []*Session
	for i := range 4 {
		local := testURI(t, "msrp://127.0.0.1:9/"+newID(20)+";tcp")
		b, err := l.Accept(SessionConfig{Local: l.NewURI(""), Remote: Path{local}, Handler: h})
		if err != nil {
			t.Fatal(err)
		}
		a, err := Dial(testCtx(t), Config{Logger: quiet}, SessionConfig{Local: local, Remote: Path{b.Local()}, Over: first})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = a
		}
		all = append(all, a)
	}
	for i, s := range all {
		if _, err := s.Send(testCtx(t), textMessage("x")); err != nil {
			t.Fatal(err)
		}
		g := next(t, ch)
		if g.m.From[0].SessionID != s.Local().SessionID {
			t.Fatal("wrong session")
		}
		if s.LocalAddr().String() != first.LocalAddr().String() {
			t.Fatal("a connection of its own")
		}
		s.Close() // the others live on
		if i < 3 {
			select {
			case <-all[i+1].Done():
				t.Fatal("ended with another")
			default:
			}
		}
	}
	if err := l.Shutdown(testCtx(t)); err != nil {
		t.Fatal(err)
	}
}

func TestConnectTo(t *testing.T) {
	l := testListener(t, Config{})
	u := l.NewURI("unreachable.invalid")
	local := testURI(t, "msrp://127.0.0.1:9/me;tcp")
	if _, err := l.Accept(SessionConfig{Local: u, Remote: Path{local}}); err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	m := &Media{Host: "127.0.0.1", Port: port, CEMA: true, Path: Path{u}}
	if got := m.Address(false); got == m.Address(true) {
		t.Fatal(got)
	}
	s, err := Dial(testCtx(t), Config{Logger: quiet}, SessionConfig{Local: local, Remote: Path{u}, ConnectTo: m.Address(true)})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

// The client says which server it wants, and takes no certificate of another.
func TestTLSServerName(t *testing.T) {
	names := make(chan string, 1)
	cert := testutil.SelfSigned(t)
	leaf, _ := x509.ParseCertificate(cert.Certificate[0])
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	l := testListener(t, Config{TLS: &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		names <- h.ServerName
		return &cert, nil
	}}})
	b, err := l.Accept(SessionConfig{Local: l.NewURI("localhost")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Dial(testCtx(t), Config{Logger: quiet, TLS: &tls.Config{RootCAs: roots}},
		SessionConfig{Local: l.NewURI(""), Remote: Path{b.Local()}})
	var he x509.HostnameError
	if !errors.As(err, &he) { // it is one of 127.0.0.1
		t.Fatalf("got %v", err)
	}
	if name := next(t, names); name != "localhost" {
		t.Fatal(name)
	}
}

func (l *Listener) connCount() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}
