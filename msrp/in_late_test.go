package msrp

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// The answer comes before the sender's timer, with room for the way.
func TestHandlerTimeoutIsBelowTheSenders(t *testing.T) {
	cfg, err := Config{}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if longest := cfg.HandlerTimeout + cfg.grace(); longest > DefaultResponseTimeout-5*time.Second {
		t.Errorf("an answer may take %s", longest)
	}
}

// A message that is there, and whose handler does not return.
func TestLateHandler(t *testing.T) {
	const timeout = 400 * time.Millisecond // the grace is a quarter of it
	for name, test := range map[string]struct {
		reads   bool // the handler reads its message
		heeds   bool // it returns when its context ends
		result  error
		failure string // Failure-Report
		want    int    // 0 is no answer
	}{
		"stuck":                    {true, false, nil, "yes", 408},
		"stuck, reads nothing":     {false, false, nil, "yes", 408},
		"stuck, partial":           {true, false, nil, "partial", 408},
		"stuck, no":                {true, false, nil, "no", 0},
		"done in the grace":        {true, true, nil, "yes", 200},
		"refused in the grace":     {true, true, status(StatusForbidden, "Disk Is Slow"), "yes", 403},
		"done in the grace, quiet": {true, true, nil, "partial", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			release, ended := make(chan struct{}), make(chan error, 1)
			defer close(release)
			first := true
			r := newRaw(t, Config{HandlerTimeout: timeout}, SessionConfig{Handler: func(ctx context.Context, m *Incoming) error {
				if !first {
					return nil
				}
				first = false
				if test.reads {
					if _, err := io.Copy(io.Discard, m); err != nil {
						t.Error(err)
					}
				}
				<-ctx.Done()
				ended <- ctx.Err()
				if test.heeds {
					return test.result
				}
				<-release
				return nil
			}})
			began := time.Now()
			tid := r.send("$", "m", "1-5/5", str("hello"), "Failure-Report: "+test.failure)
			if err := next(t, ended); !errors.Is(err, context.Canceled) {
				t.Errorf("the context has %v", err)
			}
			if waited := time.Since(began); waited < timeout*9/10 {
				t.Errorf("the context ended after %s", waited)
			}
			if test.want != 0 {
				r.want(tid, test.want)
			}
			// The connection is fine, and nothing else came.
			if test.want == 0 {
				time.Sleep(50 * time.Millisecond)
			}
			r.want(r.send("$", "ping", "1-0/0", nil), 200)
		})
	}
}

// TestLateTimer has the timer run long after its time, as after a pause of the process:
// the handler's context ends all the same, and its grace begins then.
func TestLateTimer(t *testing.T) {
	const timeout = 200 * time.Millisecond
	first := true
	r := newRaw(t, Config{HandlerTimeout: timeout}, SessionConfig{Handler: func(ctx context.Context, m *Incoming) error {
		if !first {
			return nil
		}
		first = false
		if _, err := io.Copy(io.Discard, m); err != nil {
			t.Error(err)
		}
		m.mu.Lock() // for which the timer waits
		time.Sleep(3 * timeout)
		m.mu.Unlock()
		<-ctx.Done()
		return nil
	}})
	r.want(r.send("$", "m", "1-5/5", str("hello")), 200)
	r.want(r.send("$", "ping", "1-0/0", nil), 200)
}

// Who wants a report is told the outcome when it is known.
func TestLateHandlerReports(t *testing.T) {
	for name, test := range map[string]struct {
		result  error
		failure string
		answer  bool
		want    string // Status of the report, "" for none
	}{
		"taken":                    {nil, "yes", true, "000 200 OK"},
		"taken, no answers":        {nil, "no", false, "000 200 OK"},
		"taken, partial":           {nil, "partial", false, "000 200 OK"},
		"refused":                  {status(StatusTooLarge, "Full"), "yes", true, "000 413 Full"},
		"refused, partial":         {errors.New("x"), "partial", false, "000 403 Not Taken"},
		"refused, nobody wants it": {errors.New("x"), "no", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			release := make(chan struct{})
			r := newRaw(t, Config{HandlerTimeout: 50 * time.Millisecond}, SessionConfig{Handler: func(ctx context.Context, m *Incoming) error {
				io.Copy(io.Discard, m)
				<-release
				return test.result
			}})
			tid := r.send("$", "m", "1-5/5", str("hello"), "Success-Report: yes", "Failure-Report: "+test.failure)
			if test.answer {
				r.want(tid, 200)
			}
			r.Quiet(100 * time.Millisecond)
			close(release)
			if test.want != "" {
				f := r.Next()
				if f.Method != "REPORT" || f.Get("Status") != test.want || f.Get("Message-ID") != "m" || f.Get("Byte-Range") != "1-5/5" {
					t.Errorf("got %+v", f)
				}
			}
			r.want(r.send("$", "ping", "1-0/0", nil), 200)
		})
	}
}

// Chunks are answered as well, while their message is still on its way.
func TestLateHandlerOfChunks(t *testing.T) {
	t.Run("reads nothing", func(t *testing.T) {
		r := newRaw(t, Config{HandlerTimeout: 50 * time.Millisecond}, SessionConfig{Handler: func(ctx context.Context, m *Incoming) error {
			<-ctx.Done()
			_, err := io.Copy(io.Discard, m)
			if !errors.Is(err, ErrAborted) {
				t.Errorf("got %v", err)
			}
			return err
		}})
		one, two := r.send("+", "m", "1-5/15", str("hello")), r.send("+", "m", "6-10/15", str("world"))
		r.want(one, 413)
		r.want(two, 413)
		r.want(r.send("$", "m", "11-15/15", str("again")), 413)
	})
	t.Run("reads slowly", func(t *testing.T) {
		step := make(chan struct{})
		goOn := sync.OnceFunc(func() { close(step) })
		h, ch := collectSlowly(step)
		r := newRaw(t, Config{HandlerTimeout: 2 * time.Second}, SessionConfig{Handler: h})
		t.Cleanup(goOn) // before the end of the session, which waits for the handler
		body := strings.Repeat("x", 100)
		tid := r.send("+", "m", "1-100/101", &body)
		step <- struct{}{} // one byte
		r.want(tid, 200)   // though most is not read yet
		goOn()
		r.want(r.send("$", "m", "101-101/101", str("y")), 200)
		if g := next(t, ch); string(g.body) != body+"y" {
			t.Errorf("got %q, %v", g.body, g.err)
		}
	})
	t.Run("others are missing", func(t *testing.T) {
		h, ch := collect(1)
		r := newRaw(t, Config{HandlerTimeout: 50 * time.Millisecond}, SessionConfig{Handler: h})
		r.want(r.send("$", "m", "6-10/10", str("world")), 413)
		if g := next(t, ch); !errors.Is(g.err, ErrAborted) {
			t.Errorf("got %v", g.err)
		}
	})
}

// collectSlowly gives a handler that reads one byte each time.
func collectSlowly(step chan struct{}) (Handler, chan got) {
	ch := make(chan got, 1)
	return func(_ context.Context, m *Incoming) error {
		var all []byte
		b := make([]byte, 1)
		for {
			<-step
			n, err := m.Read(b)
			all = append(all, b[:n]...)
			if err != nil {
				if err == io.EOF {
					err = nil
				}
				ch <- got{m, all, err}
				return err
			}
		}
	}, ch
}
