package msrp

import (
	"context"
	"io"
	"testing"
	"time"
)

// TestOrderAfterAnEarlyRefusal has a handler refuse a message when all its bytes have come,
// but not its end-line: the next message gets its turn all the same.
func TestOrderAfterAnEarlyRefusal(t *testing.T) {
	refused, took := make(chan struct{}), make(chan error, 1)
	r := newRaw(t, Config{}, SessionConfig{Handler: func(ctx context.Context, m *Incoming) error {
		if m.MessageID == "early" {
			_, err := io.ReadFull(m, make([]byte, 5))
			defer close(refused)
			if err != nil {
				return err
			}
			return status(StatusForbidden, "")
		}
		if _, err := io.Copy(io.Discard, m); err != nil {
			return err
		}
		_, err := m.InOrder(ctx)
		took <- err
		return err
	}})
	head := "MSRP early1 SEND\r\nTo-Path: " + r.s.Local().String() + "\r\nFrom-Path: " + r.me +
		"\r\nMessage-ID: early\r\nByte-Range: 1-5/5\r\nContent-Type: text/plain\r\n\r\nhello"
	r.Write(head + "\r\n--") // so that it is known not to be the end-line
	// The next bytes show that hello is body: what is held back is the rest.
	<-refused
	for end := time.Now().Add(10 * time.Second); r.s.hasHandlers(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the handler is counted as running")
		}
	}
	r.Write("-----early1$\r\n")
	r.want("early1", 403)
	r.want(r.send("$", "next", "1-5/5", str("hello")), 200)
	select {
	case err := <-took:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the next message has no turn")
	}
}
