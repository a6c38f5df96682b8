package ms

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/msrp/msrptest"
	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/store"
)

// A rawLeg is one end of a session that a test plays with bytes of its own.
type rawLeg struct {
	*msrptest.Peer
	t            *testing.T
	call         *sipua.Call
	ours, theirs string // path
}

// rawSDP is a description with those attributes, as somebody else writes it.
func rawSDP(path string, attributes ...string) []byte {
	return fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=message 9 TCP/MSRP *\r\n"+
		"a=path:%s\r\na=setup:active\r\na=%s\r\n", path, strings.Join(attributes, "\r\na="))
}

const rawPath = "msrp://127.0.0.1:9/raw1;tcp"

// rawStore sets a store session of that pair up, and connects.
func (a *fakeAS) rawStore(t *testing.T, from, to string, attributes ...string) *rawLeg {
	t.Helper()
	call := a.invite(rawSDP(rawPath, attributes...))
	if err := call.Ack(a.ctx(), nil, ""); err != nil {
		t.Fatal(err)
	}
	l := &rawLeg{t: t, call: call, ours: rawPath, theirs: attribute(t, string(call.RemoteBody()), "path")}
	if r, ok := a.restore(call, from, to).(*mscp.MsgRestored); !ok {
		t.Fatalf("RestoreMsg: %+v", r)
	}
	l.dial()
	return l
}

// rawPush begins a push to a device with those attributes, which connects, and
// whose binding SEND is answered.
func (a *fakeAS) rawPush(t *testing.T, attributes ...string) *rawLeg {
	t.Helper()
	call := a.invite(nil)
	l := &rawLeg{t: t, call: call, ours: rawPath, theirs: attribute(t, string(call.RemoteBody()), "path")}
	if err := call.Ack(a.ctx(), rawSDP(rawPath, attributes...), sdpType); err != nil {
		t.Fatal(err)
	}
	l.dial()
	l.Send("MSRP bind1 SEND", "To-Path: "+l.theirs, "From-Path: "+l.ours, "Message-ID: b1", "Byte-Range: 1-0/0", "-------bind1$")
	l.want("bind1", 200)
	return l
}

func (l *rawLeg) dial() {
	l.t.Helper()
	u, err := msrp.ParseURI(l.theirs)
	if err != nil {
		l.t.Fatal(err)
	}
	l.Peer = msrptest.Dial(l.t, u.Host+":"+strconv.Itoa(u.Port))
}

// send writes a whole message in one chunk, with those headers behind Byte-Range.
func (l *rawLeg) send(tid, body string, headers ...string) {
	l.t.Helper()
	lines := append([]string{"MSRP " + tid + " SEND", "To-Path: " + l.theirs, "From-Path: " + l.ours, "Message-ID: m" + tid,
		fmt.Sprintf("Byte-Range: 1-%d/%d", len(body), len(body))}, headers...)
	l.Send(append(lines, "", body, "-------"+tid+"$")...)
}

// want takes the next frame, which is to be the response to tid.
func (l *rawLeg) want(tid string, code int) {
	l.t.Helper()
	if f := l.Next(); f.TID != tid || f.Method != "" || f.Code != code {
		l.t.Fatalf("got %+v, want %d for %s", f, code, tid)
	}
}

// bye ends the dialog; the media server has tidied up after it when it returns.
func (a *fakeAS) bye(l *rawLeg) {
	a.t.Helper()
	if err := l.call.Bye(a.ctx()); err != nil {
		a.t.Fatal(err)
	}
}

// keep puts a message into the store as it is.
func (a *fakeAS) keep(from, to, contentType, body string) {
	a.t.Helper()
	w, err := a.ms.Store().Begin(a.ctx(), store.Meta{Recipient: to, Sender: from, ContentType: contentType, Received: time.Now()})
	if err == nil {
		_, err = w.Write([]byte(body))
	}
	if err == nil {
		err = w.Commit().Wait(a.ctx())
	}
	if err != nil {
		a.t.Fatal(err)
	}
}

// TestBodyWithoutType is refused, as nobody could say what it is; one that was kept
// by an earlier version comes to the device, and so does what is behind it.
func TestBodyWithoutType(t *testing.T) {
	a := newFakeAS(t, nil)
	l := a.rawStore(t, alice, bob, "accept-types:*")
	l.send("t1", "hello")
	l.want("t1", 400)
	l.send("t2", "hello", "Content-Type: text")
	l.want("t2", 400)
	l.send("t3", "hello", "Content-Type: text/plain;charset=utf-8")
	l.want("t3", 200)
	a.bye(l)
	a.wantKept(1)

	a.keep(alice, bob, "", "old")
	a.leave(text("after"))
	took, resp := a.push([]string{"*"}, nil)
	if _, ok := resp.(*mscp.MsgSended); !ok || bodies(took) != "hello,old,after" || took[1].contentType != "application/octet-stream" {
		t.Errorf("took %+v: %+v", took, resp)
	}
}
