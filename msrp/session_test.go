package msrp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"
)

func TestSendWhole(t *testing.T) {
	h, ch := collect(1)
	p := newPair(t, withHandler(h))
	m := textMessage("hello")
	m.Header = Header{{"X-Kind", "greeting"}}
	r, err := p.a.Send(testCtx(t), m)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Wait(testCtx(t)); err != nil {
		t.Fatal(err)
	}
	g := next(t, ch)
	if g.err != nil || string(g.body) != "hello" {
		t.Fatalf("got %q, %v", g.body, g.err)
	}
	if g.m.MessageID != r.MessageID() || g.m.ContentType != "text/plain" || g.m.Size != 5 ||
		g.m.Header.Get("x-kind") != "greeting" {
		t.Fatalf("got %+v", g.m)
	}
}

func TestSendChunked(t *testing.T) {
	for _, test := range []struct {
		name       string
		chunk, len int
		unknown    bool
	}{
		{"default chunks", 0, 2 << 20, false},
		{"unknown size", 0, 2<<20 + 1, true},
		{"exact multiple", 1000, 10000, true},
		{"one byte", 1, 20, false},
		{"explicit ranges", 2048, 2048*3 + 7, false},
		{"whole chunk", 2048, 2048, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, ch := collect(1)
			p := newPair(t, withHandler(h), func(a, _ *Config, _, _ *SessionConfig) { a.ChunkSize = test.chunk })
			body := noise(test.len)
			m := binaryMessage(body)
			m.SuccessReport = true
			if test.unknown {
				m.Size = -1
			}
			r, err := p.a.Send(testCtx(t), m)
			if err != nil {
				t.Fatal(err)
			}
			if g := next(t, ch); !bytes.Equal(g.body, body) {
				t.Fatalf("got %d bytes, %v", len(g.body), g.err)
			}
			if err := r.Wait(testCtx(t)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestEmptyMessage(t *testing.T) {
	h, ch := collect(1)
	p := newPair(t, withHandler(h))
	r, err := p.a.Send(testCtx(t), Message{SuccessReport: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Wait(testCtx(t)); err != nil {
		t.Fatal(err)
	}
	select {
	case g := <-ch:
		t.Fatalf("an empty SEND was shown: %+v", g.m)
	default:
	}
}

func TestBothWays(t *testing.T) {
	ha, cha := collect(50)
	hb, chb := collect(50)
	p := newPair(t, withHandler(hb), func(_, _ *Config, a, _ *SessionConfig) { a.Handler = ha })
	var wg sync.WaitGroup
	for _, s := range []*Session{p.a, p.b} {
		for i := range 20 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				m := binaryMessage(noise(i * 9000))
				m.SuccessReport = true
				r, err := s.Send(testCtx(t), m)
				if err != nil {
					t.Error(err)
					return
				}
				if err := r.Wait(testCtx(t)); err != nil {
					t.Error(err)
				}
			}()
		}
	}
	wg.Wait()
	for range 19 {
		for _, ch := range []chan got{cha, chb} {
			if g := next(t, ch); !bytes.Equal(g.body, noise(len(g.body))) {
				t.Fatal("body differs")
			}
		}
	}
}

func TestFinalAnswerWaitsForHandler(t *testing.T) {
	read, release := make(chan bool), make(chan bool)
	p := newPair(t, withHandler(func(_ context.Context, m *Incoming) error {
		io.Copy(io.Discard, m)
		read <- true
		<-release
		return nil
	}))
	sent := make(chan error, 1)
	go func() {
		_, err := p.a.Send(testCtx(t), binaryMessage(noise(200000)))
		sent <- err
	}()
	next(t, read)
	select {
	case err := <-sent:
		t.Fatalf("answered before the handler returned: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	close(release)
	if err := next(t, sent); err != nil {
		t.Fatal(err)
	}
}

func TestRefusals(t *testing.T) {
	swallow := func(_ context.Context, m *Incoming) error { _, err := io.Copy(io.Discard, m); return err }
	for _, test := range []struct {
		name string
		sc   SessionConfig
		size int
		want int
	}{
		{"no handler", SessionConfig{}, 10, 415},
		{"type", SessionConfig{Handler: swallow, AcceptTypes: []string{"image/*", "text/html"}}, 10, 415},
		{"too large", SessionConfig{Handler: swallow, MaxSize: 1000}, 1001, 413},
		{"handler at once", SessionConfig{Handler: func(context.Context, *Incoming) error {
			return &StatusError{Code: 403, Reason: "No Way"}
		}}, 1 << 20, 403},
		{"handler at the end", SessionConfig{Handler: func(_ context.Context, m *Incoming) error {
			io.Copy(io.Discard, m)
			return errors.New("disk full")
		}}, 1 << 20, 403},
		{"handler in the middle", SessionConfig{Handler: func(_ context.Context, m *Incoming) error {
			io.ReadFull(m, make([]byte, 300000))
			return &StatusError{Code: 413}
		}}, 1 << 20, 413},
	} {
		for _, unknown := range []bool{false, true} {
			t.Run(test.name, func(t *testing.T) {
				p := newPair(t, func(_, _ *Config, _, sc *SessionConfig) { *sc = test.sc })
				m := binaryMessage(noise(test.size))
				if unknown {
					m.Size = -1
				}
				_, err := p.a.Send(testCtx(t), m)
				var se *StatusError
				if !errors.As(err, &se) || se.Code != test.want {
					t.Fatalf("got %v, want %d", err, test.want)
				}
				// The session lives on.
				if _, err := p.a.Send(testCtx(t), Message{}); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

func TestHandlerNeedNotRead(t *testing.T) {
	p := newPair(t, withHandler(func(context.Context, *Incoming) error { return nil }))
	for range 3 {
		if _, err := p.a.Send(testCtx(t), binaryMessage(noise(1<<20))); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFailureReportValues(t *testing.T) {
	for _, fr := range []FailureReport{FailureNo, FailurePartial} {
		h, ch := collect(1)
		var answers sync.Map
		p := newPair(t, withHandler(h), func(a, _ *Config, _, _ *SessionConfig) {
			a.Trace = func(e TraceEvent) {
				if !e.Sent {
					answers.Store(string(e.Raw), true)
				}
			}
		})
		answers.Clear() // of the binding SEND
		m := binaryMessage(noise(300000))
		m.FailureReport = fr
		if _, err := p.a.Send(testCtx(t), m); err != nil {
			t.Fatal(err)
		}
		if g := next(t, ch); len(g.body) != 300000 || g.m.FailureReport != fr {
			t.Fatal("did not arrive")
		}
		p.a.Close()
		answers.Range(func(k, _ any) bool { t.Errorf("%v: answered: %v", fr, k); return true })
	}
}

func TestPartialRefused(t *testing.T) {
	p := newPair(t) // no handler: 415
	m := textMessage("x")
	m.FailureReport = FailurePartial
	m.SuccessReport = true
	r, err := p.a.Send(testCtx(t), m)
	if err == nil {
		err = r.Wait(testCtx(t))
	}
	var se *StatusError
	if !errors.As(err, &se) || se.Code != 415 {
		t.Fatalf("got %v", err)
	}
}

// halfReader gives some bytes, then blocks until it is told to fail.
type halfReader struct {
	first []byte
	fail  chan error
}

func (r *halfReader) Read(p []byte) (int, error) {
	if len(r.first) > 0 {
		n := copy(p, r.first)
		r.first = r.first[n:]
		return n, nil
	}
	return 0, <-r.fail
}

func TestAbort(t *testing.T) {
	h, ch := collect(1)
	p := newPair(t, withHandler(h))
	boom := errors.New("boom")
	r := &halfReader{noise(200000), make(chan error, 1)}
	r.fail <- boom
	_, err := p.a.Send(testCtx(t), Message{ContentType: "a/b", Body: r, Size: 300000})
	if !errors.Is(err, boom) {
		t.Fatalf("got %v", err)
	}
	if g := next(t, ch); !errors.Is(g.err, ErrAborted) {
		t.Fatalf("handler got %v", g.err)
	}
	// A body of the wrong size aborts too.
	for _, stated := range []int64{150000, 250000} {
		m := binaryMessage(noise(200000))
		m.Size = stated
		if _, err := p.a.Send(testCtx(t), m); !errors.Is(err, ErrBodySize) {
			t.Fatalf("got %v", err)
		}
		if g := next(t, ch); !errors.Is(g.err, ErrAborted) {
			t.Fatalf("handler got %v", g.err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type countingReader struct {
	r     io.Reader
	mu    sync.Mutex
	count int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.mu.Lock()
	c.count += n
	c.mu.Unlock()
	return n, err
}

func (c *countingReader) n() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}

func TestInOrder(t *testing.T) {
	var mu sync.Mutex
	var order []string
	p := newPair(t, withHandler(func(ctx context.Context, m *Incoming) error {
		b, err := io.ReadAll(m)
		if err != nil {
			return err
		}
		if b[0]%2 == 0 {
			time.Sleep(time.Millisecond)
		}
		release, err := m.InOrder(ctx)
		if err != nil {
			return err
		}
		mu.Lock()
		order = append(order, string(b))
		mu.Unlock()
		if b[0]%3 == 0 {
			release()
			time.Sleep(time.Millisecond)
		}
		return nil
	}))
	want := ""
	var wg sync.WaitGroup
	for i := range 8 {
		m := textMessage(string(rune('a' + i)))
		want += string(rune('a' + i))
		m.FailureReport = FailureNo
		m.SuccessReport = true
		r, err := p.a.Send(testCtx(t), m)
		if err != nil {
			t.Fatal(err)
		}
		wg.Add(1)
		go func() { defer wg.Done(); r.Wait(testCtx(t)) }()
	}
	wg.Wait()
	mu.Lock()
	defer mu.Unlock()
	all := ""
	for _, s := range order {
		all += s
	}
	if all != want {
		t.Fatalf("order %q, want %q", all, want)
	}
}

func TestSlowHandlerHoldsSenderBack(t *testing.T) {
	step := make(chan bool)
	p := newPair(t, withHandler(func(_ context.Context, m *Incoming) error {
		<-step
		_, err := io.Copy(io.Discard, m)
		return err
	}))
	const size = 64 << 20
	body := &countingReader{r: io.LimitReader(zeros{}, size)}
	sent := make(chan error, 1)
	go func() {
		_, err := p.a.Send(testCtx(t), Message{ContentType: "a/b", Body: body, Size: size})
		sent <- err
	}()
	// With 8 chunks of 64 KB unanswered, no more is read.
	deadline := time.Now().Add(10 * time.Second)
	for body.n() < 8*DefaultChunkSize && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	if n := body.n(); n > 10*DefaultChunkSize {
		t.Fatalf("%d bytes were taken from the body", n)
	}
	close(step)
	if err := next(t, sent); err != nil {
		t.Fatal(err)
	}
}
