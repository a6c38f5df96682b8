package e2e

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

var (
	rudeTime  = flag.Duration("rude", 2*time.Second, "how long TestRudeSenders calls")
	rudeCalls = flag.Int("rude-calls", 20, "how many calls TestRudeSenders makes at a time")
)

// rudeMessages is what each call of a rude sender leaves.
const rudeMessages = 3

// A rudeLedger is what the senders know of their messages, by sender and number.
type rudeLedger struct {
	mu      sync.Mutex
	answers map[string]map[int]int // code; 0: none came
}

func (l *rudeLedger) note(name string, n, code int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answers[name] == nil {
		l.answers[name] = map[int]int{}
	}
	l.answers[name][n] = code
}

// TestRudeSenders has many callers at a time write several messages in one segment and
// end the call in the same moment; some close their connection, too, or reset it. What
// was confirmed is delivered, once and in order; what was refused is not. What was not
// answered may be either.
func TestRudeSenders(t *testing.T) {
	e := newEnv(t, envOptions{time: 2*time.Minute + 10**rudeTime})
	l := &rudeLedger{answers: map[string]map[int]int{}}
	ctx, stop := context.WithTimeout(e.ctx, *rudeTime)
	defer stop()
	var senders sync.WaitGroup
	for i := range *rudeCalls {
		name := fmt.Sprintf("r%d", i)
		ua, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0", User: name}, sipua.Handlers{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ua.Close() })
		senders.Go(func() {
			for n := 0; ctx.Err() == nil; n += rudeMessages {
				e.rudeCall(ua, l, name, n, i)
			}
		})
	}
	senders.Wait()
	l.check(t, e.rudeInbox())
	e.wantKept(0)
}

// rudeCall leaves messages from number n on. how tells how the sender behaves.
func (e *env) rudeCall(ua *sipua.UA, l *rudeLedger, name string, n, how int) {
	path := fmt.Sprintf("msrp://127.0.0.1:9/%s-%d;tcp", name, n)
	from := "sip:" + name + "@" + domain
	call, err := ua.Invite(e.ctx, sipua.InviteRequest{
		URI: bob, From: from, To: bob, Destination: e.proxy, ContentType: "application/sdp",
		Body: fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"+
			"m=message 9 TCP/MSRP *\r\na=path:%s\r\na=accept-types:*\r\na=setup:active\r\n", path),
	})
	if err == nil {
		err = call.Ack(e.ctx, nil, "")
	}
	if err != nil {
		e.t.Errorf("%s: %v", name, err)
		return
	}
	media, err := msrp.ParseSDP(call.RemoteBody())
	if err != nil {
		e.t.Error(err)
		return
	}
	conn, err := net.Dial("tcp", net.JoinHostPort(media.Path[0].Host, strconv.Itoa(media.Path[0].Port)))
	if err != nil {
		e.t.Error(err)
		return
	}
	defer conn.Close()
	var frames bytes.Buffer
	for i := range rudeMessages {
		body := fmt.Sprint(n + i)
		fmt.Fprintf(&frames, "MSRP tx%06d SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: %s-%d\r\nByte-Range: 1-%d/%d\r\n"+
			"Content-Type: text/plain\r\n\r\n%s\r\n-------tx%06d$\r\n", n+i, media.Path, path, name, n+i, len(body), len(body), body, n+i)
		l.note(name, n+i, 0)
	}
	bye := make(chan error, 1)
	go func() { bye <- call.Bye(e.ctx) }()
	if _, err := conn.Write(frames.Bytes()); err != nil {
		e.t.Errorf("%s: %v", name, err)
	}
	switch how % 5 {
	case 3:
		conn.Close()
	case 4:
		_ = conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	default:
		e.rudeAnswers(conn, l, name)
	}
	if err := <-bye; err != nil {
		e.t.Errorf("%s: BYE: %v", name, err)
	}
}

// rudeAnswers notes the responses until all have come, the connection ends, or it has
// been silent for as long as a sender waits.
func (e *env) rudeAnswers(conn net.Conn, l *rudeLedger, name string) {
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	left := rudeMessages
	for lines := bufio.NewScanner(conn); left > 0 && lines.Scan(); {
		tid, rest, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "MSRP tx"), " ")
		if !ok || !strings.HasPrefix(lines.Text(), "MSRP tx") {
			continue
		}
		n, err := strconv.Atoi(tid)
		code, err2 := strconv.Atoi(rest[:min(3, len(rest))])
		if err != nil || err2 != nil {
			e.t.Errorf("%s: %q", name, lines.Text())
			continue
		}
		l.note(name, n, code)
		left--
	}
}

// rudeInbox registers bob and returns the numbers that come, by sender, when nothing is
// kept any more.
func (e *env) rudeInbox() map[string][]int {
	e.t.Helper()
	var mu sync.Mutex
	got := map[string][]int{}
	e.register(softphone.Config{User: bob, OnMessage: func(ctx context.Context, m *softphone.Message) error {
		body, release, err := readInOrder(ctx, m)
		if err != nil {
			return err
		}
		defer release()
		n, err := strconv.Atoi(string(body))
		if err != nil {
			e.t.Error(err)
		}
		name := strings.TrimSuffix(strings.TrimPrefix(m.Sender, "sip:"), "@"+domain)
		mu.Lock()
		defer mu.Unlock()
		got[name] = append(got[name], n)
		return nil
	}}, nil)
	e.drain()
	mu.Lock()
	defer mu.Unlock()
	return got
}

func (l *rudeLedger) check(t *testing.T, got map[string][]int) {
	t.Helper()
	confirmed, refused, unanswered, came := 0, 0, 0, 0
	for name, answers := range l.answers {
		seen, last := map[int]bool{}, -1
		for _, n := range got[name] {
			if seen[n] || n < last && answers[n] == 200 {
				t.Errorf("%s: message %d came after %d", name, n, last)
			}
			if seen[n] = true; answers[n] == 200 { // others may be overtaken by the next call
				last = n
			}
		}
		for n, code := range answers {
			switch {
			case code == 200:
				confirmed++
				if !seen[n] {
					t.Errorf("%s: message %d was confirmed and did not come", name, n)
				}
			case code == 0:
				unanswered++
				if seen[n] {
					came++
				}
			default:
				refused++
				if seen[n] {
					t.Errorf("%s: message %d was refused with %d and came", name, n, code)
				}
			}
		}
	}
	t.Logf("%d messages confirmed, %d refused, %d without an answer, of which %d came", confirmed, refused, unanswered, came)
	if confirmed == 0 || unanswered == 0 {
		t.Error("the test shows nothing")
	}
}
