package msrp

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"math/rand"
	"strings"
	"testing"
	"time"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// testCtx ends with the test, or after a time no good test needs.
func testCtx(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// pair is two sessions joined over loopback: a dialled, b accepted.
type pair struct {
	l    *Listener
	a, b *Session
}

func testListener(t testing.TB, cfg Config) *Listener {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = quiet
	}
	l, err := Listen("127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func testURI(t testing.TB, s string) URI {
	t.Helper()
	u, err := ParseURI(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

type pairOption func(cfgA, cfgB *Config, scA, scB *SessionConfig)

func newPair(t testing.TB, opts ...pairOption) *pair {
	t.Helper()
	cfgA, cfgB := Config{Logger: quiet}, Config{Logger: quiet}
	var scA, scB SessionConfig
	for _, o := range opts {
		o(&cfgA, &cfgB, &scA, &scB)
	}
	p := &pair{l: testListener(t, cfgB)}
	scA.Local = testURI(t, "msrp://127.0.0.1:9/"+newID(20)+";tcp")
	scB.Local = p.l.NewURI("")
	scA.Remote = append(Path{scB.Local}, scA.Remote...)
	scB.Remote = append(Path{scA.Local}, scB.Remote...)
	var err error
	if p.b, err = p.l.Accept(scB); err != nil {
		t.Fatal(err)
	}
	if p.a, err = Dial(testCtx(t), cfgA, scA); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.a.Close() })
	<-p.b.Bound()
	return p
}

func withHandler(h Handler) pairOption {
	return func(_, _ *Config, _, scB *SessionConfig) { scB.Handler = h }
}

// got is a message as the collecting handler saw it.
type got struct {
	m    *Incoming
	body []byte
	err  error
}

// collect gives a handler that puts whole messages into a channel.
func collect(n int) (Handler, chan got) {
	ch := make(chan got, n)
	return func(_ context.Context, m *Incoming) error {
		b, err := io.ReadAll(m)
		ch <- got{m, b, err}
		return err
	}, ch
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.New(rand.NewSource(int64(n))).Read(b)
	return b
}

func textMessage(s string) Message {
	return Message{ContentType: "text/plain", Body: strings.NewReader(s), Size: int64(len(s))}
}

func binaryMessage(b []byte) Message {
	return Message{ContentType: "application/octet-stream", Body: bytes.NewReader(b), Size: int64(len(b))}
}

func next[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(15 * time.Second):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}
