package mscp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// infoPair connects both ends over two functions in the place of SIP.
func infoPair(t *testing.T, h Handler, ccfg, scfg Config) (*InfoClient, *InfoServer) {
	t.Helper()
	var c *InfoClient
	var s *InfoServer
	c = NewInfoClient(func(_ context.Context, body []byte) error { return s.Deliver(body) }, ccfg)
	s = NewInfoServer(func(_ context.Context, body []byte) error { return c.Deliver(body) }, h, scfg)
	t.Cleanup(func() { c.Close(); s.Close() })
	return c, s
}

func TestInfo(t *testing.T) {
	notes := make(chan Element, 2)
	c, s := infoPair(t, echo, Config{OnNotification: func(e Element) { notes <- e }}, Config{Strict: true, OnNotification: func(e Element) { notes <- e }})
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			id := fmt.Sprint(i)
			e, err := c.Do(t.Context(), &RestoreMsg{"a", "b", id, "", ""})
			if r, ok := e.(*MsgRestored); err != nil || !ok || r.ConnectionID != id {
				t.Errorf("%s: %+v, %v", id, e, err)
			}
		})
	}
	wg.Wait()
	var wire *Error
	if _, err := c.Do(t.Context(), &SendMsg{"a", "b", "c"}); !errors.As(err, &wire) || wire.Reason != "no & never" {
		t.Errorf("a handler's error: %v", err)
	}
	if err := c.Notify(t.Context(), &DialogTerminate{DialogID: "1"}); err != nil {
		t.Error(err)
	}
	if err := s.Notify(t.Context(), &DialogExit{DialogID: "2"}); err != nil {
		t.Error(err)
	}
	if got := []string{Name(<-notes), Name(<-notes)}; !slices.Contains(got, "dialogterminate") || !slices.Contains(got, "dialogexit") {
		t.Errorf("got %s", got)
	}
	for name, body := range map[string]string{
		"garbage":    "x",
		"a response": open + `<response id="r1"><conferencecreated conferenceid="c"/></response>` + closing,
	} {
		if err := s.Deliver([]byte(body)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if err := c.Deliver([]byte(open + `<response id="r1"><conferencecreated conferenceid="c"/></response>` + closing)); err == nil {
		t.Error("a response to nothing was taken")
	}
}

func TestInfoEnds(t *testing.T) {
	started := make(chan struct{}, 2)
	c, _ := infoPair(t, func(ctx context.Context, _ Element) (Element, error) {
		started <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}, Config{}, Config{})
	go func() { <-started; c.Close() }()
	if _, err := c.Do(t.Context(), &SendMsg{"a", "b", "c"}); !errors.Is(err, ErrChannelClosed) {
		t.Errorf("outstanding: %v", err)
	}
	if _, err := c.Do(t.Context(), &SendMsg{"a", "b", "c"}); !errors.Is(err, ErrChannelClosed) {
		t.Errorf("afterwards: %v", err)
	}
}

func TestRequestTimeout(t *testing.T) {
	c, _ := channel(t, func(ctx context.Context, _ Element) (Element, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}, Config{RequestTimeout: 10 * time.Millisecond}, Config{})
	if _, err := c.Do(t.Context(), &SendMsg{"a", "b", "c"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestSlowNotifications checks that responses pass a reader of notifications
// that does not return.
func TestSlowNotifications(t *testing.T) {
	release := make(chan struct{})
	c, s := channel(t, echo, Config{OnNotification: func(Element) { <-release }}, Config{})
	defer close(release)
	for range 10 {
		if err := s.Notify(t.Context(), &DialogExit{DialogID: "d"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Do(t.Context(), &RestoreMsg{"a", "b", "c", "", ""}); err != nil {
		t.Error(err)
	}
}

func TestReject(t *testing.T) {
	b, err := Reject([]byte("v=0\r\nm=audio 4000 RTP/AVP 0\r\na=x\r\nm=application 9 TCP/MS\r\n"), "127.0.0.1")
	if err != nil || !strings.Contains(string(b), "m=audio 0 RTP/AVP 0\r\nm=application 0 TCP/MS *\r\n") {
		t.Errorf("%v\n%s", err, b)
	}
	if m, err := ParseSDP(b); err != nil || m.Port != 0 {
		t.Errorf("read as %+v, %v", m, err)
	}
}

// TestInfoDialogs has one handler serve two SIP dialogs: each response goes out on the
// dialog of its request, whatever that is about.
func TestInfoDialogs(t *testing.T) {
	h := func(_ context.Context, req Element) (Element, error) { return Refuse(req, "no"), nil }
	sent := make(chan string, 2)
	for dialog, about := range map[string]string{"one": "two", "two": "one"} {
		s := NewInfoServer(func(_ context.Context, body []byte) error { sent <- dialog + string(body); return nil }, h, Config{Strict: true})
		defer s.Close()
		if err := s.Deliver([]byte(open + `<request id="r1"><unjoin id1="` + about + `" id2="c"/></request>` + closing)); err != nil {
			t.Fatal(err)
		}
		if got := <-sent; !strings.HasPrefix(got, dialog+"<mscp ") || !strings.Contains(got, `<errorconferenceunjoin id1="`+about+`"`) {
			t.Errorf("%s: %s", dialog, got)
		}
	}
}
