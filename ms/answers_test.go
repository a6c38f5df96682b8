package ms

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/store"
)

// stick makes the commits of the store wait, and tells of each that begins; goOn lets
// this and all further ones end with err.
func (a *fakeAS) stick() (begun <-chan struct{}, goOn func(err error)) {
	start, end := make(chan struct{}, 100), make(chan struct{})
	var result error
	a.ms.Store().SetBeforeCommit(func() error {
		select {
		case start <- struct{}{}:
		default:
		}
		<-end
		return result
	})
	once := sync.Once{}
	goOn = func(err error) { once.Do(func() { result = err; close(end) }) }
	a.t.Cleanup(func() { goOn(nil) })
	return start, goOn
}

func (l *rawLeg) soon(what string, c <-chan struct{}) {
	l.t.Helper()
	select {
	case <-c:
	case <-time.After(10 * time.Second):
		l.t.Fatal("not in time: ", what)
	}
}

// However a session ends behind messages that are on their way to the disk: they are
// answered as they turn out, or not at all, and the application server hears what is
// kept when that is known.
func TestSessionEndsDuringCommit(t *testing.T) {
	for name, end := range map[string]func(a *fakeAS, l *rawLeg){
		"bye": func(a *fakeAS, l *rawLeg) { a.bye(l) },
		"port 0": func(a *fakeAS, l *rawLeg) {
			gone := strings.Replace(string(rawSDP(rawPath, "accept-types:*")), "m=message 9 ", "m=message 0 ", 1)
			if _, err := l.call.Reinvite(a.ctx(), []byte(gone), sdpType); err != nil {
				l.t.Fatal(err)
			}
			a.bye(l)
		},
		"close":    func(a *fakeAS, l *rawLeg) { l.Conn.Close(); a.bye(l) },
		"half":     func(a *fakeAS, l *rawLeg) { l.Conn.(*net.TCPConn).CloseWrite(); a.bye(l) },
		"reset":    func(a *fakeAS, l *rawLeg) { l.Conn.(*net.TCPConn).SetLinger(0); l.Conn.Close(); a.bye(l) },
		"shutdown": func(a *fakeAS, l *rawLeg) { go a.ms.Close(); l.soon("the server closes", a.ms.life.draining) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newFakeAS(t, nil)
			a.notified = make(chan mscp.Element, 100)
			l := a.rawStore(t, alice, bob, "accept-types:*")
			begun, goOn := a.stick()
			for i := range 3 {
				l.send(fmt.Sprint("m", i, "xx"), "hello", "Content-Type: text/plain")
			}
			l.soon("a commit", begun)
			end(a, l)
			if name == "bye" || name == "half" || name == "port 0" || name == "shutdown" {
				l.Quiet(30 * time.Millisecond)
			}
			goOn(nil)
			kept := a.waitKept(t)
			if kept != "3" {
				t.Errorf("MsgKept tells of %s messages", kept)
			}
			if name != "close" && name != "reset" {
				for range 3 {
					if f := l.Next(); f.Code != 200 {
						t.Errorf("answered %d %s", f.Code, f.Comment)
					}
				}
			}
			if name != "shutdown" {
				a.wantKept(3)
			}
		})
	}
}

// waitKept is the number of messages in the MsgKept at the end of a session.
func (a *fakeAS) waitKept(t *testing.T) string {
	t.Helper()
	for timeout := time.After(10 * time.Second); ; {
		select {
		case e := <-a.notified:
			if o, ok := e.(*mscp.MsgKept); ok && o.Session != "open" {
				return strconv.Itoa(o.Messages)
			}
		case <-timeout:
			t.Fatal("no MsgKept")
		}
	}
}

// What is refused when its session ends is not kept, nor is anything of a message that
// is not whole.
func TestSessionEndsBeforeMessageIsWhole(t *testing.T) {
	a := newFakeAS(t, nil)
	a.notified = make(chan mscp.Element, 100)
	l := a.rawStore(t, alice, bob, "accept-types:*")
	big := strings.Repeat("x", 300_000) // several segments of the store
	l.Send("MSRP part SEND", "To-Path: "+l.theirs, "From-Path: "+l.ours, "Message-ID: part",
		fmt.Sprintf("Byte-Range: 1-%d/%d", len(big), 2*len(big)), "Content-Type: text/plain", "", big, "-------part+")
	l.want("part", 200)
	a.bye(l)
	if kept := a.waitKept(t); kept != "0" {
		t.Errorf("MsgKept tells of %s messages", kept)
	}
	l.Closed()
	a.keep(bob, alice, "text/plain", "later") // behind what Abort gives back
	if st := a.ms.Store().Stats(); st.Messages != 1 || st.Bytes != 5 {
		t.Errorf("%+v", st)
	}
}

// A device that writes back right behind its last 200, while the disk is slow: the
// reply gets its 200 though the dialog ends, and the application server hears of it.
func TestReplyBehindLastAnswer(t *testing.T) {
	a := newFakeAS(t, nil)
	a.notified = make(chan mscp.Element, 100)
	a.keep(alice, bob, "text/plain", "pushed")
	l := a.rawPush(t, "accept-types:*")
	sended := make(chan mscp.Element, 1)
	go func() {
		sended <- a.do(&mscp.SendMsg{FromURI: alice, ToURI: bob, ConnectionID: l.call.ID().String()})
	}()
	f := l.Next()
	l.Answer(f, 200, "OK")
	if r, ok := (<-sended).(*mscp.MsgSended); !ok {
		t.Fatalf("%+v", r)
	}
	begun, goOn := a.stick()
	l.send("reply1", "thanks", "Content-Type: text/plain")
	l.soon("the commit", begun)
	a.bye(l)
	l.Quiet(30 * time.Millisecond)
	goOn(nil)
	l.want("reply1", 200)
	if kept := a.waitKept(t); kept != "1" {
		t.Errorf("MsgKept tells of %s messages", kept)
	}
}

// SendMsg is not answered while a session of the pair that has ended still stores.
func TestPushWaitsForSessionThatEnds(t *testing.T) {
	a := newFakeAS(t, nil)
	l := a.rawStore(t, alice, bob, "accept-types:*")
	begun, goOn := a.stick()
	l.send("m1xx", "hello", "Content-Type: text/plain")
	l.soon("the commit", begun)
	a.bye(l)
	for p := (store.Pair{Sender: alice, Recipient: bob}); len(a.ms.controls.answerer.deliveries.ending(p)) == 0; { // its 200 goes out first
		time.Sleep(time.Millisecond)
	}
	time.AfterFunc(50*time.Millisecond, func() { goOn(nil) })
	took, resp := a.push([]string{"*"}, nil)
	if _, ok := resp.(*mscp.MsgSended); !ok || bodies(took) != "hello" {
		t.Errorf("took %+v: %+v", took, resp)
	}
}

// When the time for an answer is over, what waits for the committer is withdrawn, and
// refused for good. Of what it is writing nobody knows: that is counted when it turns
// out, and the application server hears of it.
func TestAnswerBeforeOutcome(t *testing.T) {
	t.Parallel()
	a := newFakeAS(t, nil)
	a.notified = make(chan mscp.Element, 100)
	l := a.rawStore(t, alice, bob, "accept-types:*")
	begun, goOn := a.stick()
	l.send("m1xx", "written", "Content-Type: text/plain")
	l.soon("a commit", begun)
	l.send("m2xx", "queued", "Content-Type: text/plain")
	l.send("empty", "") // answered behind that one has been read
	began := time.Now()
	a.ms.msrp.plain.Close() // by force: it ends the contexts, as the time limit does
	if took := time.Since(began); took < lastWord/2 || took > 2*lastWord {
		t.Errorf("the handlers took %s", took)
	}
	goOn(nil)
	for told := ""; told != "1"; { // the dialog goes on
		select {
		case e := <-a.notified:
			if o, ok := e.(*mscp.MsgKept); ok {
				told = strconv.Itoa(o.Messages)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the application server is not told")
		}
	}
	a.wantKept(1)
	if first := a.ms.Store().Messages(bob, alice)[0]; first.MessageID != "mm1xx" {
		t.Errorf("kept: %+v", first)
	}
	families, err := a.ms.metrics.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := ""
	for _, f := range families {
		if f.GetName() == "mscp_mediaserver_messages_unknown_total" {
			counted = fmt.Sprint(f.GetMetric())
		}
	}
	if !strings.Contains(counted, `value:"kept"`) || !strings.Contains(counted, "value:1") {
		t.Errorf("counted: %s", counted)
	}
}

// A disk that has failed refuses sessions with 503, and messages with what is true.
func TestFailingDisk(t *testing.T) {
	a := newFakeAS(t, nil)
	l := a.rawStore(t, alice, bob, "accept-types:*")
	begun, goOn := a.stick()
	l.send("m1xx", "hello", "Content-Type: text/plain")
	l.soon("a commit", begun)
	goOn(syscall.ENOSPC)
	l.want("m1xx", 403)
	a.wantKept(0)
	a.ms.Store().SetBeforeCommit(func() error { return nil })
	l.send("m2xx", "hello", "Content-Type: text/plain")
	l.want("m2xx", 200)
	a.wantKept(1)
}
