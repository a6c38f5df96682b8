package msrp

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestMemoryRefuses begins messages until the budget is used up: the next one is refused,
// and what is given up makes room again.
func TestMemoryRefuses(t *testing.T) {
	mem := NewBudget(10*(messageCost+pipeMin), nil)
	r := newRaw(t, Config{Memory: mem, MaxOpenMessages: 100}, SessionConfig{Handler: func(ctx context.Context, m *Incoming) error {
		_, err := io.Copy(io.Discard, m)
		return err
	}})
	begun := 0
	for i := range 20 {
		tid := r.send("+", fmt.Sprint("m", i), "1-5/100", str("hello"))
		if f := r.Next(); f.TID != tid || f.Code != 200 && f.Code != 413 {
			t.Fatalf("%+v", f)
		} else if f.Code == 200 {
			begun++
		}
	}
	if most := int(mem.Limit() / messageCost); begun < 10 || begun > most {
		t.Errorf("%d messages were begun, want 10 to %d", begun, most)
	}
	r.want(r.send("#", "m0", "6-*/100", nil), 200)
	if err := mem.Wait(t.Context(), messageCost); err != nil { // the handler of m0 gives it back
		t.Fatal(err)
	}
	mem.Give(messageCost)
	r.want(r.send("$", "n", "1-5/5", str("hello")), 200)
	r.s.Close()
	r.s.handlers.Wait()
	if mem.Used() != 0 {
		t.Errorf("%d bytes are taken after the end", mem.Used())
	}
}

// TestMemoryHoldsBack has a handler that reads slowly, and memory for little of its
// message: the message comes whole.
func TestMemoryHoldsBack(t *testing.T) {
	mem := NewBudget(messageCost+pipeMin, nil)
	got := make(chan int64, 1)
	r := newRaw(t, Config{Memory: mem}, SessionConfig{Handler: func(ctx context.Context, m *Incoming) error {
		n, err := io.Copy(io.Discard, onlyReader{m})
		got <- n
		return err
	}})
	body := strings.Repeat("x", 300_000)
	tid := r.send("$", "m", "1-300000/300000", &body)
	r.want(tid, 200)
	if n := <-got; n != 300_000 {
		t.Errorf("%d bytes came", n)
	}
	if mem.Refused() == 0 {
		t.Error("there was memory for all of it at once")
	}
}

type onlyReader struct{ io.Reader }

// TestMemoryComesBack plays random conversations: whole and partial messages, out of
// order, refused, given up, cut off. When all have ended nothing is taken.
func TestMemoryComesBack(t *testing.T) {
	mem := NewBudget(1<<20, nil)
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		r := newRaw(t, Config{Memory: mem, MaxOpenMessages: 4, MaxHandlers: 5, StallTimeout: time.Minute}, SessionConfig{MaxSize: 200_000, Handler: func(ctx context.Context, m *Incoming) error {
			switch m.MessageID[0] {
			case 'r':
				return status(StatusForbidden, "")
			case 's':
				_, _ = m.Read(make([]byte, 10))
				return nil
			case 'w':
				_, err := io.Copy(io.Discard, onlyReader{m})
				return err
			}
			_, err := io.Copy(io.Discard, m)
			return err
		}})
		for range 30 {
			id := fmt.Sprint(string("rswc"[rnd.IntN(4)]), rnd.IntN(6))
			size := []int{1, 1000, 3000, 20_000, 70_000}[rnd.IntN(5)]
			at := []int{1, 1, 1, 2, 5000}[rnd.IntN(5)]
			body := strings.Repeat("y", size)
			r.send(string("+$#"[rnd.IntN(3)]), id, fmt.Sprintf("%d-%d/*", at, at+size-1), &body)
		}
		if rnd.IntN(2) == 0 {
			r.s.Close()
		} else {
			r.Conn.Close()
		}
		<-r.s.Done()
		r.l.Close() // waits for the connection and the handlers
	}
	if mem.Used() != 0 {
		t.Errorf("%d bytes are taken after the end", mem.Used())
	}
}

// TestMemoryForSends has Sends wait for memory that another holds.
func TestMemoryForSends(t *testing.T) {
	mem := NewBudget(50_000, nil)
	if !mem.Take(30_000) {
		t.Fatal("not taken")
	}
	a, p := senderWith(t, Config{}, SessionConfig{Memory: mem})
	answered := make(chan bool)
	go func() {
		defer close(answered)
		if f := p.Next(); f.Method == "SEND" {
			p.Answer(f, 200, "OK")
		}
	}()
	body := strings.Repeat("z", 40_000)
	send := func(ctx context.Context) error {
		_, err := a.Send(ctx, Message{ContentType: "text/plain", Body: strings.NewReader(body), Size: int64(len(body))})
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := send(ctx); err == nil {
		t.Error("sent without memory")
	}
	done := make(chan error, 1)
	go func() { done <- send(t.Context()) }()
	mem.Give(30_000)
	if err := <-done; err != nil {
		t.Error(err)
	}
	<-answered
	if mem.Used() != 0 {
		t.Errorf("%d bytes are taken after the end", mem.Used())
	}
}
