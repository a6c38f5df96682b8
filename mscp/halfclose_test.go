package mscp

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
)

// TestHalfClose checks that requests are answered whose AS has closed its side before,
// also where its last one was cut short.
func TestHalfClose(t *testing.T) {
	for name, cut := range map[string]string{"between two": "", "in a start line": "REQ MSC", "in the headers": "REQ MSCP/1.0 999\r\nContent-"} {
		t.Run(name, func(t *testing.T) {
			as, ms := testutil.TCPPair(t)
			answer := make(chan struct{})
			s := NewServer(ms, func(ctx context.Context, req Element) (Element, error) {
				<-ctx.Done() // the server knows of the end
				<-answer
				return Refuse(req, "no"), nil
			}, Config{})
			defer s.Close()
			release := sync.OnceFunc(func() { close(answer) })
			defer release()
			for id := range uint64(20) {
				writeRequest(t, as, id+1, &Unjoin{ID1: "a", ID2: "b"})
			}
			if _, err := io.WriteString(as, cut); err != nil {
				t.Fatal(err)
			}
			if err := as.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			select {
			case <-s.Done():
				t.Fatal("the channel has ended before the answers")
			case <-time.After(50 * time.Millisecond):
			}
			release()
			answered := map[uint64]bool{}
			r := NewReader(as)
			for p, err := r.Read(); err == nil; p, err = r.Read() {
				answered[p.ID] = p.Status == StatusOK
			}
			if len(answered) < 20 || !answered[1] || !answered[20] {
				t.Errorf("answered: %v", answered)
			}
			<-s.Done()
			if err := s.Err(); !isEOF(err) {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

// TestLingerEnds checks that a handler that does not return does not keep the channel of
// an AS that has closed its side.
func TestLingerEnds(t *testing.T) {
	t.Parallel()
	as, ms := testutil.TCPPair(t)
	begun, release := make(chan struct{}), make(chan struct{})
	s := NewServer(ms, func(ctx context.Context, _ Element) (Element, error) {
		close(begun)
		<-ctx.Done()
		<-release
		return nil, ctx.Err()
	}, Config{})
	defer s.Close()
	defer close(release)
	writeRequest(t, as, 1, benchRequest)
	<-begun
	start := time.Now()
	as.Close()
	<-s.Done()
	if took := time.Since(start); took < MaxLinger || took > 5*MaxLinger {
		t.Errorf("ended after %v, not %v", took, MaxLinger)
	}
	if err := s.Err(); !errors.Is(err, io.EOF) {
		t.Errorf("ended with %v", err)
	}
}

// TestEndWithAnswer checks that the channel of an AS that has gone ends with the answer
// of a handler that obeys its ctx.
func TestEndWithAnswer(t *testing.T) {
	as, ms := testutil.TCPPair(t)
	begun := make(chan struct{})
	s := NewServer(ms, func(ctx context.Context, _ Element) (Element, error) {
		close(begun)
		<-ctx.Done()
		return nil, ctx.Err()
	}, Config{})
	defer s.Close()
	writeRequest(t, as, 1, benchRequest)
	<-begun
	start := time.Now()
	as.Close()
	<-s.Done()
	if took := time.Since(start); took > MaxLinger/2 {
		t.Errorf("ended after %v", took)
	}
}

// TestEndWithoutRequests checks that the channel of an AS that has closed its side ends
// at once where nothing is under way.
func TestEndWithoutRequests(t *testing.T) {
	as, ms := testutil.TCPPair(t)
	s := NewServer(ms, echo, Config{})
	defer s.Close()
	start := time.Now()
	if err := as.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	if took := time.Since(start); took > MaxLinger/2 {
		t.Errorf("ended after %v", took)
	}
}

func writeRequest(t *testing.T, w io.Writer, id uint64, e Element) {
	t.Helper()
	doc := Document{Kind: Request, Element: e}
	if err := (&PDU{Kind: Request, ID: id, Body: doc.Encode(Draft)}).Write(w); err != nil {
		t.Fatal(err)
	}
}
