package ms

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/store"
)

// sendMsg has what alice has left delivered over a leg; the response comes later, if the
// channel lives.
func (a *fakeAS) sendMsg(l *rawLeg) <-chan mscp.Element {
	answered := make(chan mscp.Element, 1)
	channel, ctx := a.channel, a.ctx()
	go func() {
		if r, err := channel.Do(ctx, &mscp.SendMsg{FromURI: alice, ToURI: bob, ConnectionID: l.call.ID().String()}); err == nil {
			answered <- r
		}
		close(answered)
	}()
	return answered
}

// awaitPushed waits until no push of alice's messages to bob is under way.
func (a *fakeAS) awaitPushed() {
	a.t.Helper()
	p := store.Pair{Sender: alice, Recipient: bob}
	for end := time.Now().Add(10 * time.Second); !a.ms.controls.answerer.pushing.lock(p); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			a.t.Fatal("the push does not end")
		}
	}
	a.ms.controls.answerer.pushing.unlock(p)
}

// TestChannelLostInPush loses the channel while a device holds its answer to the first
// message back. A new channel comes at once; the answer counts, no further message is
// begun, and the rest comes with the next push: nothing twice.
func TestChannelLostInPush(t *testing.T) {
	a := newFakeAS(t, func(c *Config) { c.Push.Window = 1 })
	for _, body := range []string{"one", "two", "three"} {
		a.keep(alice, bob, "text/plain", body)
	}
	l := a.rawPush(t, "accept-types:*")
	answered := a.sendMsg(l)
	first := l.Next()
	a.channel.Close()
	<-answered
	began := time.Now()
	a.openChannel()
	if r, ok := a.do(&mscp.SendInventory{InventoryID: "i"}).(*mscp.InventoryFollows); !ok {
		t.Fatalf("%+v", r)
	}
	if took := time.Since(began); took > a.ms.cfg.Push.ConfirmTimeout/2 {
		t.Errorf("the new channel came after %v", took)
	}
	l.Answer(first, 200, "OK")
	a.awaitPushed()
	a.wantKept(2)
	l.Quiet(20 * time.Millisecond)
	a.bye(l)
	if took, r := a.push([]string{"*"}, nil); bodies(took) != "two,three" {
		t.Errorf("took %s: %+v", bodies(took), r)
	}
	a.wantKept(0)
}

// TestChannelLostInStore loses the channel in a store session: messages are taken as
// before, and a channel from elsewhere is told of them at the session's end.
func TestChannelLostInStore(t *testing.T) {
	a := newFakeAS(t, func(c *Config) { c.Orphan = 50 * time.Millisecond })
	a.notified = make(chan mscp.Element, 100)
	l := a.rawStore(t, alice, bob, "accept-types:*")
	l.send("m1xx", "before", "Content-Type: text/plain")
	l.want("m1xx", 200)
	control := a.control
	a.channel.Close()
	select {
	case <-control.Done(): // in the time for orphans; the caller is still there
	case <-time.After(10 * time.Second):
		t.Fatal("the control dialog goes on without a connection")
	}
	l.send("m2xx", "between", "Content-Type: text/plain")
	l.want("m2xx", 200)
	if l.call.Ended() {
		t.Error("the session has ended, though its caller is there")
	}
	a.openChannel()
	if r, ok := a.restore(l.call, alice, bob).(*mscp.MsgRestored); !ok { // as before: nothing changes
		t.Errorf("RestoreMsg over the new channel: %+v", r)
	}
	if r, ok := a.restore(l.call, alice, "sip:carol@example.com").(*mscp.MsgNotRestored); !ok {
		t.Errorf("RestoreMsg of another pair: %+v", r)
	}
	l.send("m3xx", "after", "Content-Type: text/plain")
	l.want("m3xx", 200)
	a.bye(l)
	if kept := a.waitKept(t); kept != "3" {
		t.Errorf("MsgKept tells of %s messages", kept)
	}
}

// TestPushWithoutAS has push sessions whose application server goes for good: before
// SendMsg, and behind its end.
func TestPushWithoutAS(t *testing.T) {
	for name, used := range map[string]bool{"before SendMsg": false, "behind its end": true} {
		t.Run(name, func(t *testing.T) {
			a := newFakeAS(t, func(c *Config) { c.Orphan = 200 * time.Millisecond })
			l := a.rawPush(t, "accept-types:*")
			if used {
				if r, ok := (<-a.sendMsg(l)).(*mscp.MsgSended); !ok {
					t.Fatalf("%+v", r)
				}
			}
			a.channel.Close()
			select {
			case <-l.call.Done():
			case <-time.After(10 * time.Second):
				t.Fatal("the session goes on")
			}
			l.Closed()
		})
	}
}

// TestPurgeDuringPush purges what is being pushed. What is on its way stays so, what is
// not is not sent, and the push ends well.
func TestPurgeDuringPush(t *testing.T) {
	for window, want := range map[int]int{1: 1, 16: 3} {
		t.Run(fmt.Sprint("window ", window), func(t *testing.T) {
			a := newFakeAS(t, func(c *Config) { c.Push.Window = window })
			for _, body := range []string{"one", "two", "three"} {
				a.keep(alice, bob, "text/plain", body)
			}
			l := a.rawPush(t, "accept-types:*")
			answered := a.sendMsg(l)
			f := l.Next()
			for range want - 1 {
				l.Answer(f, 200, "OK")
				f = l.Next()
			}
			if _, err := a.ms.Store().Purge(a.ctx(), store.Filter{Recipient: bob}, nil); err != nil {
				t.Fatal(err)
			}
			l.Answer(f, 200, "OK")
			if r, ok := (<-answered).(*mscp.MsgSended); !ok {
				t.Errorf("%+v", r)
			}
			a.wantKept(0)
		})
	}
}

// TestStoreFails has a sync fail, and the file be away: calls get 503, messages are
// refused at once, and what the disk was writing is answered when that is known. When the
// file is back, all is as before.
func TestStoreFails(t *testing.T) {
	for name, back := range map[string]bool{"and comes back": true, "until it is closed": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var path string
			a := newFakeAS(t, func(c *Config) { path = c.Store })
			l := a.rawStore(t, alice, bob, "accept-types:*")
			begun, goOn := a.stick()
			l.send("m1xx", "in doubt", "Content-Type: text/plain")
			l.soon("a commit", begun)
			away := filepath.Join(filepath.Dir(path), "away")
			if err := os.Rename(path, away); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
			goOn(syscall.EIO)
			for end := time.Now().Add(10 * time.Second); a.ms.Store().Healthy() == nil; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("the store is well")
				}
			}
			_, err := a.ua.Invite(a.ctx(), sipua.InviteRequest{
				URI: "sip:ms@" + a.ms.Addr(), From: a.ua.Contact(), To: "sip:ms@" + a.ms.Addr(), Body: rawSDP(rawPath, "accept-types:*"), ContentType: sdpType,
			})
			if err == nil || !strings.Contains(err.Error(), "503") {
				t.Errorf("a call gets %v", err)
			}
			l.send("m2xx", "refused", "Content-Type: text/plain")
			l.want("m2xx", 403)
			if !back {
				if err := a.ms.Store().Close(); err != nil {
					t.Log(err) // it could not open the file
				}
				l.want("m1xx", 408)
				return
			}
			a.ms.Store().SetBeforeCommit(func() error { return nil })
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(away, path); err != nil {
				t.Fatal(err)
			}
			l.want("m1xx", 403) // it turned out not to be there
			a.wantKept(0)
			l.send("m3xx", "kept", "Content-Type: text/plain")
			l.want("m3xx", 200)
			a.wantKept(1)
		})
	}
}

// TestDiskHangs has the disk take longer than a sender waits: each SEND is answered in
// less than 30 s, and whoever has asked for a report learns the outcome in it.
func TestDiskHangs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	const wait = 30 * time.Second // RFC 4975, section 7.1.1
	var all sync.WaitGroup        // side by side, however few processors there are: they wait
	for name, tc := range map[string]struct {
		report bool
		result error
		status string
		kept   int
	}{
		"no report":               {kept: 1},
		"report of a success":     {report: true, status: "000 200", kept: 1},
		"report of a failure":     {report: true, result: syscall.ENOSPC, status: "000 403"},
		"no report and a failure": {result: syscall.ENOSPC},
	} {
		all.Go(func() {
			t.Run(name, func(t *testing.T) {
				a := newFakeAS(t, nil)
				l := a.rawStore(t, alice, bob, "accept-types:*")
				headers, code := []string{"Content-Type: text/plain"}, 408
				if tc.report {
					headers, code = []string{"Success-Report: yes", "Content-Type: text/plain"}, 200
				}
				begun, goOn := a.stick()
				began := time.Now()
				l.send("m1xx", "hello", headers...)
				l.soon("a commit", begun)
				l.Quiet(19 * time.Second)
				l.want("m1xx", code)
				if took := time.Since(began); took >= wait {
					t.Errorf("the answer took %v", took)
				}
				goOn(tc.result)
				if tc.report {
					if f := l.Next(); f.Method != "REPORT" || !strings.HasPrefix(f.Get("Status"), tc.status) {
						t.Errorf("got %+v, want a report of %s", f, tc.status)
					}
				}
				a.bye(l)
				for end := time.Now().Add(10 * time.Second); len(a.ms.Store().Messages(bob, alice)) != tc.kept && time.Now().Before(end); {
					time.Sleep(time.Millisecond)
				}
				a.wantKept(tc.kept)
			})
		})
	}
	all.Wait()
}
