package msrp

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/msrp/msrptest"
)

// sender dials a session whose peer is a script.
func sender(t *testing.T, cfg Config) (*Session, *msrptest.Peer) {
	t.Helper()
	return senderWith(t, cfg, SessionConfig{})
}

func senderWith(t *testing.T, cfg Config, sc SessionConfig) (*Session, *msrptest.Peer) {
	t.Helper()
	l := msrptest.Listen(t)
	cfg.Logger = quiet
	type res struct {
		s   *Session
		err error
	}
	ch := make(chan res, 1)
	sc.Local, sc.Remote = testURI(t, "msrp://127.0.0.1:9/us;tcp"), Path{testURI(t, l.URI("them"))}
	go func() {
		s, err := Dial(testCtx(t), cfg, sc)
		ch <- res{s, err}
	}()
	p := l.Accept()
	p.Answer(p.Next(), 200, "")
	r := next(t, ch)
	if r.err != nil {
		t.Fatal(r.err)
	}
	t.Cleanup(func() { p.Conn.Close(); r.s.Close() })
	return r.s, p
}

// sendTo sends in the background.
func sendTo(s *Session, m Message) (chan *Receipt, chan error) {
	rc, ec := make(chan *Receipt, 1), make(chan error, 1)
	go func() {
		r, err := s.Send(context.Background(), m)
		rc <- r
		ec <- err
	}()
	return rc, ec
}

func reportOn(p *msrptest.Peer, f *msrptest.Frame, rng, status string) {
	p.Send("MSRP rep"+f.TID[:5]+" REPORT", "To-Path: "+f.Get("From-Path"), "From-Path: "+f.Get("To-Path"),
		"Message-ID: "+f.Get("Message-ID"), "Byte-Range: "+rng, "Status: "+status, "-------rep"+f.TID[:5]+"$")
}

func TestSenderAnsweredTwice(t *testing.T) {
	s, p := sender(t, Config{})
	_, ec := sendTo(s, textMessage("hello"))
	f := p.Next()
	p.Answer(f, 200, "OK")
	p.Answer(f, 413, "")
	if err := next(t, ec); err != nil {
		t.Fatal(err)
	}
}

// TestSenderPartialSilence has a peer that answers what is wrong, and nothing
// else: its silence is no failure, and an error is told.
func TestSenderPartialSilence(t *testing.T) {
	s, p := sender(t, Config{ResponseTimeout: 20 * time.Millisecond, ChunkSize: 10, Window: 2})
	m := binaryMessage(noise(45))
	m.FailureReport = FailurePartial
	_, ec := sendTo(s, m)
	for range 5 {
		if f := p.Next(); f.Get("Failure-Report") != "partial" {
			t.Fatalf("got %+v", f)
		}
	}
	if err := next(t, ec); err != nil {
		t.Fatal(err)
	}
	m = binaryMessage(noise(45))
	m.FailureReport, m.SuccessReport = FailurePartial, true
	rc, ec := sendTo(s, m)
	f := p.Next()
	p.Answer(f, 415, "Nope")
	err := next(t, ec)
	if r := <-rc; err == nil { // all was written before the answer came
		err = r.Wait(testCtx(t))
	}
	var se *StatusError
	if !errors.As(err, &se) || se.Code != 415 || se.Reason != "Nope" {
		t.Fatalf("got %v", err)
	}
}

func TestSenderNoResponse(t *testing.T) {
	s, p := sender(t, Config{ResponseTimeout: 50 * time.Millisecond})
	_, ec := sendTo(s, textMessage("hello"))
	p.Next()
	if err := next(t, ec); !errors.Is(err, ErrNoResponse) {
		t.Fatalf("got %v", err)
	}
}

func TestSenderPartial(t *testing.T) {
	s, p := sender(t, Config{ResponseTimeout: 50 * time.Millisecond})
	m := textMessage("hello")
	m.FailureReport, m.SuccessReport = FailurePartial, true
	rc, ec := sendTo(s, m)
	f := p.Next()
	if err := next(t, ec); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	reportOn(p, f, "1-5/5", "000 200")
	if err := (<-rc).Wait(testCtx(t)); err != nil {
		t.Fatal(err)
	}
}

func TestSenderReportsPerChunk(t *testing.T) {
	s, p := sender(t, Config{ChunkSize: 4})
	m := textMessage("0123456789")
	m.SuccessReport = true
	rc, ec := sendTo(s, m)
	var fs []*msrptest.Frame
	for i, want := range []string{"1-4/10", "5-8/10", "9-10/10"} {
		f := p.Next()
		if f.Get("Byte-Range") != want || f.Flag != "++$"[i] {
			t.Fatalf("got %+v", f)
		}
		p.Answer(f, 200, "OK")
		fs = append(fs, f)
	}
	if err := next(t, ec); err != nil {
		t.Fatal(err)
	}
	r := <-rc
	reportOn(p, fs[2], "9-*/10", "000 200 OK")
	reportOn(p, fs[0], "1-4/10", "000 200 OK")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := r.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	reportOn(p, fs[1], "5-8/10", "000 200 OK")
	if err := r.Wait(testCtx(t)); err != nil {
		t.Fatal(err)
	}
}

func TestSenderFailureReport(t *testing.T) {
	s, p := sender(t, Config{})
	m := textMessage("hello")
	m.SuccessReport = true
	rc, ec := sendTo(s, m)
	f := p.Next()
	p.Answer(f, 200, "OK")
	if err := next(t, ec); err != nil {
		t.Fatal(err)
	}
	reportOn(p, f, "1-5/5", "000 408 Gone")
	var se *StatusError
	if err := (<-rc).Wait(testCtx(t)); !errors.As(err, &se) || se.Code != 408 {
		t.Fatalf("got %v", err)
	}
}

func TestSenderRefusedInTheMiddle(t *testing.T) {
	s, p := sender(t, Config{ChunkSize: 10, Window: 3})
	_, ec := sendTo(s, binaryMessage(noise(1000)))
	f := p.Next()
	p.Next()
	p.Next()
	p.Quiet(20 * time.Millisecond) // the window is full
	p.Answer(f, 413, "Enough")
	var se *StatusError
	if err := next(t, ec); !errors.As(err, &se) || se.Code != 413 || se.Reason != "Enough" {
		t.Fatalf("got %v", err)
	}
	p.Quiet(20 * time.Millisecond)
	// The chunks that were never answered do not hold up what comes next.
	_, ec = sendTo(s, binaryMessage(noise(30)))
	for range 3 {
		p.Answer(p.Next(), 200, "OK")
	}
	if err := next(t, ec); err != nil {
		t.Fatal(err)
	}
}

func TestSenderCancelled(t *testing.T) {
	s, p := sender(t, Config{ChunkSize: 10, Window: 1})
	ctx, cancel := context.WithCancel(context.Background())
	ec := make(chan error, 1)
	go func() {
		_, err := s.Send(ctx, binaryMessage(noise(1000)))
		ec <- err
	}()
	f := p.Next()
	cancel()
	if err := next(t, ec); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	a := p.Next()
	if a.Flag != '#' || a.Get("Message-ID") != f.Get("Message-ID") || a.Get("Byte-Range") != "11-*/1000" || a.Body != nil {
		t.Fatalf("got %+v", a)
	}
}

func TestSenderPeerDoesNotRead(t *testing.T) {
	s, p := sender(t, Config{WriteTimeout: 300 * time.Millisecond, Window: 1000})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	errs := make(chan error, 2)
	for range 2 { // one is being written, one waits for its turn
		go func() {
			_, err := s.Send(ctx, Message{ContentType: "a/b", Size: -1, Body: zeros{}})
			errs <- err
		}()
	}
	for range 2 {
		if err := next(t, errs); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
	}
	if time.Since(began) > 250*time.Millisecond {
		t.Fatal("waited for the peer")
	}
	// On a slow machine the first two have not filled the connection.
	go s.Send(context.Background(), Message{ContentType: "a/b", Size: -1, Body: zeros{}})
	<-s.Done()
	if !errors.Is(s.Err(), ErrConnectionLost) {
		t.Fatalf("got %v", s.Err())
	}
	p.Conn.Close()
}

func TestSenderConnectionLost(t *testing.T) {
	s, p := sender(t, Config{})
	m := textMessage("hello")
	m.SuccessReport = true
	rc, ec := sendTo(s, m)
	p.Answer(p.Next(), 200, "")
	if err := next(t, ec); err != nil {
		t.Fatal(err)
	}
	p.Conn.Close()
	if err := (<-rc).Wait(testCtx(t)); !errors.Is(err, ErrConnectionLost) {
		t.Fatalf("got %v", err)
	}
	<-s.Done()
}

func TestSenderLargeChunks(t *testing.T) {
	s, p := sender(t, Config{})
	_, ec := sendTo(s, binaryMessage(noise(70000)))
	f := p.Next()
	if f.Get("Byte-Range") != "1-*/70000" || len(f.Body) != 65536 {
		t.Fatalf("got %s, %d bytes", f.Get("Byte-Range"), len(f.Body))
	}
	if h := f.Header[len(f.Header)-1]; h != "Content-Type: application/octet-stream" {
		t.Fatalf("last header is %s", h)
	}
	p.Answer(f, 200, "")
	p.Answer(p.Next(), 200, "")
	if err := next(t, ec); err != nil {
		t.Fatal(err)
	}
}

func TestSenderBinds(t *testing.T) {
	l := msrptest.Listen(t)
	ec := make(chan error, 1)
	go func() {
		s, err := Dial(testCtx(t), Config{Logger: quiet}, SessionConfig{
			Local: testURI(t, "msrp://127.0.0.1:9/us;tcp"), Remote: Path{testURI(t, l.URI("them"))}})
		if err == nil {
			s.Close()
		}
		ec <- err
	}()
	p := l.Accept()
	f := p.Next()
	if f.Method != "SEND" || f.Body != nil || f.Get("Byte-Range") != "1-0/0" || f.Get("Message-ID") == "" ||
		f.Get("To-Path") != l.URI("them") || f.Get("From-Path") != "msrp://127.0.0.1:9/us;tcp" {
		t.Fatalf("got %+v", f)
	}
	p.Answer(f, 200, "")
	if err := next(t, ec); err != nil {
		t.Fatal(err)
	}
}

// Every chunk says the same of its message, MIME headers stand at the end,
// and only where there is a body.
func TestSenderHeaders(t *testing.T) {
	s, p := sender(t, Config{ChunkSize: 4})
	m := textMessage("0123456789")
	m.FailureReport, m.SuccessReport = FailurePartial, true
	m.Header = Header{{"Content-Disposition", "inline"}, {"X-Kind", "greeting"}}
	_, ec := sendTo(s, m)
	var first []string
	for i := range 3 {
		f := p.Next()
		own := append(append([]string{}, f.Header[:5]...), f.Header[6:]...) // without Byte-Range
		if i == 0 {
			first = own
		}
		if strings.Join(own, "|") != strings.Join(first, "|") || f.TID == "" {
			t.Fatalf("got %q, first %q", own, first)
		}
	}
	want := "Success-Report: yes|Failure-Report: partial|X-Kind: greeting|Content-Disposition: inline|Content-Type: text/plain"
	if got := strings.Join(first[3:], "|"); got != want {
		t.Fatalf("got %s", got)
	}
	if err := next(t, ec); err != nil {
		t.Fatal(err)
	}
	m = Message{Header: m.Header, FailureReport: FailureNo}
	_, ec = sendTo(s, m)
	f := p.Next()
	if got := strings.Join(f.Header[3:], "|"); got != "Failure-Report: no|Byte-Range: 1-0/0|X-Kind: greeting" || f.Body != nil {
		t.Fatalf("got %s", got)
	}
	if err := next(t, ec); err != nil {
		t.Fatal(err)
	}
}

// A failure REPORT stops a message in the middle, like a response.
func TestFailureReportStopsSending(t *testing.T) {
	for _, wanted := range []bool{false, true} {
		s, p := sender(t, Config{ChunkSize: 10, Window: 2})
		m := binaryMessage(noise(1000))
		m.SuccessReport = wanted
		_, ec := sendTo(s, m)
		f := p.Next()
		p.Next()
		reportOn(p, f, "1-10/1000", "000 413 Enough")
		var se *StatusError
		if err := next(t, ec); !errors.As(err, &se) || se.Code != 413 || se.Reason != "Enough" {
			t.Fatalf("got %v", err)
		}
		p.Answer(f, 200, "OK")
		p.Quiet(20 * time.Millisecond)
		// Of a message that is no longer there it says nothing to anybody.
		reportOn(p, f, "1-10/1000", "000 413 Enough")
		_, ec = sendTo(s, textMessage("x"))
		p.Answer(p.Next(), 200, "OK")
		if err := next(t, ec); err != nil {
			t.Fatal(err)
		}
	}
}
