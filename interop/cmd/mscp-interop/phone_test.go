package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/interop/sipserver"
)

// redirect has a standard stream of the process replaced by a file, and returns what
// it has in the end. The tests of this package that do so are not parallel.
func redirect(t *testing.T, stream **os.File, content string) func() string {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "stream")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(content), 0); err != nil {
		t.Fatal(err)
	}
	old := *stream
	*stream = f
	t.Cleanup(func() { *stream = old; f.Close() })
	return func() string {
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
}

// TestSendAndReceive has a text from standard input go over TLS, with what is on the
// wire shown, and printed so that no terminal obeys it.
func TestSendAndReceive(t *testing.T) {
	s, err := sipserver.New(sipserver.Config{Addr: "127.0.0.1:0", Domain: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	redirect(t, &os.Stdin, "from \x1b[31mstdin\nfrom sip:carol@example.com, text/plain, 2 bytes: hi\n")
	stdout, stderr := redirect(t, &os.Stdout, ""), redirect(t, &os.Stderr, "")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	received := make(chan error, 1)
	go func() {
		received <- run(ctx, []string{"receive", "--user", "sip:bob@example.com", "--registrar", s.Addr(), "--tls", "--count", "1"})
	}()
	for !strings.Contains(stdout(), "registered; SIP on") { // there is no event: it is a command
		select {
		case err := <-received:
			t.Fatal(err)
		case <-time.After(5 * time.Millisecond):
		}
	}
	if err := run(ctx, []string{"send", "--from", "sip:alice@example.com", "--to", "sip:bob@example.com", "--proxy", s.Addr(), "--tls", "-v", "-"}); err != nil {
		t.Fatal(err)
	}
	if err := <-received; err != nil {
		t.Error(err)
	}
	if out := stdout(); !strings.Contains(out, "68 bytes: from \ufffd[31mstdin\n  from sip:carol@example.com, text/plain, 2 bytes: hi\n") || !strings.Contains(out, "68 bytes, confirmed in") {
		t.Errorf("printed is\n%q", out)
	}
	wire := stderr()
	for _, want := range []string{"SIP 127.0.0.1:", " -> " + s.Addr() + "\n  INVITE sip:bob@example.com SIP/2.0\n", "  SIP/2.0 200 OK\n", "TCP/TLS/MSRP", "\n  MSRP ", "\n  To-Path: msrps://", " SEND\n"} {
		if !strings.Contains(wire, want) {
			t.Errorf("-v does not show %q:\n%s", want, wire)
		}
	}
	if strings.ContainsAny(wire+stdout(), "\x1b\r") {
		t.Error("an escape reaches the terminal")
	}
}

// TestPhoneAddress takes the address from which the proxy is reached.
func TestPhoneAddress(t *testing.T) {
	for proxy, want := range map[string]string{"127.0.0.1:5060": "127.0.0.1", "127.0.0.1;transport=tcp": "127.0.0.1", "[::1]:5060;transport=tls": "::1"} {
		if got := localHost(proxy); got != want {
			t.Errorf("%q: %q", proxy, got)
		}
	}
	if _, err := readRoots(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there is taken")
	}
}
