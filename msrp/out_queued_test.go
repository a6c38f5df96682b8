package msrp

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/gomscp/gomscp/msrp/msrptest"
)

// TestQueued keeps messages of several sizes under way at once, each begun when
// the one before said that it is queued: they arrive in that order, long before
// the first is answered.
func TestQueued(t *testing.T) {
	const count = 40
	s, p := sender(t, Config{Window: count})
	var sends sync.WaitGroup
	go func() {
		for i := range count {
			body := strings.Repeat("x", i%4*1500)
			queued := make(chan struct{})
			sends.Go(func() {
				_, err := s.Send(testCtx(t), Message{
					MessageID: fmt.Sprintf("m%d", i), ContentType: "text/plain", Body: strings.NewReader(body), Size: int64(len(body)),
					Queued: func() { close(queued) },
				})
				if err != nil {
					t.Errorf("message %d: %v", i, err)
				}
			})
			<-queued
		}
	}()
	var chunks []*msrptest.Frame
	for i := 0; i < count; {
		f := p.Next()
		chunks = append(chunks, f)
		if want := fmt.Sprintf("m%d", i); f.Get("Message-ID") != want {
			t.Fatalf("a chunk of %s came, want %s", f.Get("Message-ID"), want)
		}
		if f.Flag == '$' {
			i++
		}
	}
	for _, f := range chunks {
		p.Answer(f, 200, "")
	}
	sends.Wait()
}

// TestQueuedNot has a message fail before its end was written.
func TestQueuedNot(t *testing.T) {
	s, p := sender(t, Config{})
	p.Conn.Close()
	<-s.Done()
	_, err := s.Send(testCtx(t), Message{ContentType: "text/plain", Body: strings.NewReader("x"), Size: 1, Queued: func() {
		t.Error("queued")
	}})
	if err == nil {
		t.Error("sent")
	}
}
