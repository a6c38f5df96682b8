//go:build linux

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/interop/cluster"
)

// A residue is what a process holds: goroutines and open files, without what serves
// our own questions and without SIP connections over TCP, which both sides keep for
// each other: there is another whenever one side was restarted, or cut off.
type residue struct{ goroutines, files int }

func (r residue) String() string {
	return fmt.Sprintf("%d goroutines, %d files", r.goroutines, r.files)
}

// alone asks without leaving a connection behind.
var alone = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// residueOf looks at a process, and returns the goroutines themselves as well.
func (e *env) residueOf(p *cluster.Process) (r residue, text string) {
	http.DefaultClient.CloseIdleConnections()
	resp, err := alone.Get("http://" + p.Admin + "/debug/pprof/goroutine?debug=2")
	if err != nil {
		return residue{goroutines: -1}, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return residue{goroutines: -1}, err.Error()
	}
	connections := 0
	for stack := range strings.SplitSeq(string(b), "\n\n") {
		switch {
		case strings.Contains(stack, "net/http."):
		case strings.Contains(stack, "sip.(*TransportTCP).readConnection"):
			connections++
		default:
			r.goroutines++
			text += stack + "\n\n"
		}
	}
	files, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.Pid()))
	r.files = len(files) - connections
	return r, text
}

// residues are what the processes hold most of the time, for a while.
func (e *env) residues() map[string]residue {
	e.t.Helper()
	const looks = 20
	seen := map[string]map[residue]int{}
	for range looks {
		for _, p := range e.cluster.Processes() {
			if seen[p.Name] == nil {
				seen[p.Name] = map[residue]int{}
			}
			r, _ := e.residueOf(p)
			seen[p.Name][r]++
		}
		time.Sleep(50 * time.Millisecond)
	}
	usual := map[string]residue{}
	for name, counts := range seen {
		most := 0
		for r, n := range counts {
			if n > most {
				usual[name], most = r, n
			}
		}
	}
	return usual
}

// warm has each part used once, so that what is kept for good is there, and returns
// what the processes hold then.
func (e *env) warm() map[string]residue {
	e.t.Helper()
	e.leave(carol, dave, "warm")
	box := newInbox()
	phone := e.register(softphoneOf(dave), box)
	box.want(e.t, carol+" warm")
	e.atRest()
	if err := phone.Unregister(e.ctx); err != nil {
		e.t.Error(err)
	}
	phone.Close()
	return e.residues()
}

// atRest waits until no session is counted and no message is kept anywhere.
func (e *env) atRest() {
	e.t.Helper()
	e.eventually("nothing is counted any more", func() bool {
		if e.kept() != 0 || e.metric(e.cluster.AS, "mscp_as_recipients") != "0" {
			return false
		}
		for _, p := range e.cluster.MS {
			if e.metric(p, "mscp_mediaserver_store_sessions") != "0" || e.metric(p, "mscp_mediaserver_push_sessions") != "0" {
				return false
			}
			if n := e.metric(e.cluster.AS, `mscp_as_store_sessions{ms="`+p.Name+`"}`); n != "0" && n != "" {
				return false
			}
		}
		return true
	})
}

// settleWait bounds the wait for what SIP transactions hold after their end, which
// is 64*T1, and some.
const settleWait = 50 * time.Second

// wantNoMoreThan waits until no process holds more than before. A process that was
// started since counts from nothing, so that it holds less at first.
func (e *env) wantNoMoreThan(before map[string]residue) {
	e.t.Helper()
	for _, p := range e.cluster.Processes() {
		want := before[p.Name]
		var r residue
		var text string
		for end := time.Now().Add(settleWait); ; time.Sleep(100 * time.Millisecond) {
			if r, text = e.residueOf(p); r.goroutines >= 0 && r.goroutines <= want.goroutines && r.files <= want.files {
				break
			}
			if time.Now().After(end) {
				e.t.Errorf("%s holds %v, before %v\n%s", p.Name, r, want, text)
				break
			}
		}
	}
}

// wantAll waits until the inbox has had each of these in their order, some perhaps
// more than once: what was on its way when a server died may come again.
func (b *inbox) wantAll(t *testing.T, want ...string) {
	t.Helper()
	timeout := time.After(patience)
	for {
		b.mu.Lock()
		got := append([]string(nil), b.got...)
		b.mu.Unlock()
		next := 0
		for _, g := range got {
			if next < len(want) && g == want[next] {
				next++
			}
		}
		if next == len(want) {
			return
		}
		select {
		case <-b.news:
		case <-timeout:
			t.Fatalf("of %q only %q came", want, got)
		}
	}
}
