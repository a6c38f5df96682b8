package conform

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gomscp/gomscp/interop/conform/draft"
	"github.com/gomscp/gomscp/interop/sipserver"
	"github.com/gomscp/gomscp/sipua"
)

// ASTarget is an application server under test, with the addresses and settings that it
// is configured with. The runner takes all other roles. See MSCPAS.
type ASTarget struct {
	SIP    string // host:port where it takes SIP, with ;transport=tcp for TCP
	MS     string // host:port where the runner is its first media server, of weight 1
	MS2    string // that of the second, of weight 3; "" for none
	Proxy  string // host:port where the runner is its outbound proxy and presence server
	Domain string // of the callers and recipients; "" means example.com

	// RestoreWait is how long the answer to a caller waits for the media server's answer
	// to RestoreMsg; 0 means 500 ms.
	RestoreWait time.Duration
	// Retry is the longest pause before a failed attempt (a control channel or a push) is
	// repeated; 0 means 30 s.
	Retry time.Duration
	// Idle is how long a channel without traffic must stay up; 0 means 60 s.
	Idle time.Duration
	// Dialog is a SIP URI whose callers get a dialog. Conference is a SIP URI whose
	// callers meet in a conference. Without them, the cases about these are skipped.
	Dialog, Conference string
	// ByHand asks the operator for an action that no SIP message causes, and returns at
	// once. The runner waits for the result for ByHandWait; 0 means a minute. Without
	// ByHand, these cases are skipped.
	ByHand     func(what string)
	ByHandWait time.Duration
	// Stop stops the application server like its operator, and Start starts it again.
	// Without them, the cases about its shutdown are skipped.
	Stop, Start func(context.Context) error
}

// MSCPAS returns the cases for an application server, in the order of the sections of
// draft-mcglashan-mscp-02, and then those of the paper. The cases share the runner's
// servers, which start with the first case and which end closes.
func MSCPAS(a ASTarget) (cases []Case, end func()) {
	b := newBench(a)
	return b.cases(), b.close
}

// newBench is a bench that is not set up yet.
func newBench(a ASTarget) *bench {
	if a.Domain == "" {
		a.Domain = "example.com"
	}
	if a.RestoreWait == 0 {
		a.RestoreWait = 500 * time.Millisecond
	}
	if a.ByHandWait == 0 {
		a.ByHandWait = time.Minute
	}
	if a.Idle == 0 {
		a.Idle = time.Minute
	}
	if a.Retry == 0 {
		a.Retry = 30 * time.Second
	}
	return &bench{target: a, acks: map[string]time.Time{}}
}

func (b *bench) cases() []Case {
	return inOrder(slices.Concat(b.connectionCases(), b.documentCases(), b.infoASCases(), b.channelCases(), b.pduASCases(), b.resultCases(), b.notificationCases(),
		b.dialogASCases(), b.transferCases(), b.conferenceASCases(), b.storeCases(), b.pushCases()))
}

// A bench is what is around an application server under test: two media servers, a proxy
// with a presence server, a caller and a user who returns.
type bench struct {
	target ASTarget
	users  int        // recipients that were made up
	last   *asChannel // of the last case

	started  bool
	reached  bool            // a control channel has come
	identity tls.Certificate // of the media servers, for TLS
	ms       []*mediaPeer
	proxy    *sipserver.Server
	caller   *sipua.UA
	user     *sipua.UA

	mu       sync.Mutex
	acks     map[string]time.Time // when the ACK of a call has come, by Call-ID, in the case that runs
	wire     *wire                // of the case that runs
	findings []draft.Finding      // of what the application server has sent since the last case
	auto     func(*asked) bool
	room     string      // the conference that is there, "" without one
	refers   chan string // Refer-To of REFERs to the caller
	onUser   func(*sipua.IncomingCall)
	calls    chan *leg // of the user
}

// maxEvents bounds what waits to be looked at by a case.
const maxEvents = 256

// start opens the sockets.
func (b *bench) start() (err error) {
	if b.started {
		return nil
	}
	quiet := slog.New(slog.DiscardHandler)
	host, _, err := net.SplitHostPort(b.target.MS)
	if err != nil {
		return fmt.Errorf("the media server's address: %w", err)
	}
	b.calls, b.refers = make(chan *leg, maxEvents), make(chan string, maxEvents)
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	b.proxy, err = sipserver.New(sipserver.Config{Addr: b.target.Proxy, Domain: b.target.Domain, AppServer: strings.SplitN(b.target.SIP, ";", 2)[0], Logger: quiet, Trace: b.sipTrace})
	if err != nil {
		return err
	}
	if b.identity, err = newCertificate(); err != nil {
		return err
	}
	own := net.JoinHostPort(host, "0")
	if err = b.newCaller(own); err != nil {
		return err
	}
	if b.user, err = sipua.New(sipua.Config{Addr: own, User: "user", Logger: quiet, Trace: b.sipTrace}, sipua.Handlers{Invite: b.ring}); err != nil {
		return err
	}
	for i, addr := range []string{b.target.MS, b.target.MS2} {
		if addr == "" {
			continue
		}
		p, err := newMediaPeer(b, addr, i > 0)
		if err != nil {
			return err
		}
		b.ms = append(b.ms, p)
	}
	b.started = true
	return nil
}

// newCaller opens the socket of the caller, with connections of its own: those to an
// application server that was started again may be dead.
func (b *bench) newCaller(addr string) error {
	if b.caller != nil {
		b.caller.Close()
	}
	c, err := sipua.New(sipua.Config{Addr: addr, User: "caller", Logger: slog.New(slog.DiscardHandler), Trace: b.sipTrace},
		sipua.Handlers{Methods: []string{"REFER"}, Other: b.takeRefer})
	b.caller = c
	return err
}

// close ends everything; a bench that was never started, too.
func (b *bench) close() {
	for _, p := range b.ms {
		p.close()
	}
	for _, ua := range []*sipua.UA{b.caller, b.user} {
		if ua != nil {
			ua.Close()
		}
	}
	if b.proxy != nil {
		b.proxy.Close()
	}
	b.started, b.ms, b.caller, b.user, b.proxy = false, nil, nil, nil, nil
}

// sipTrace takes down what goes over SIP.
func (b *bench) sipTrace(e sipua.TraceEvent) {
	dir := "<"
	if e.Sent {
		dir = ">"
	}
	b.note(dir, e.Raw)
	if !e.Sent && bytes.HasPrefix(e.Raw, []byte("ACK ")) {
		b.acked(e.Raw)
	}
}

var callIDHeader = regexp.MustCompile(`(?mi)^(?:Call-ID|i)[ \t]*:[ \t]*(\S+)`)

// acked takes down when an ACK has come.
func (b *bench) acked(raw []byte) {
	now := time.Now()
	m := callIDHeader.FindSubmatch(raw)
	b.mu.Lock()
	defer b.mu.Unlock()
	if m != nil && len(b.acks) < maxEvents {
		b.acks[string(m[1])] = now
	}
}

func (b *bench) note(dir string, raw []byte) {
	b.mu.Lock()
	w := b.wire
	b.mu.Unlock()
	if w != nil {
		w.note(dir, raw)
	}
}

// found keeps findings for the case that runs.
func (b *bench) found(list []draft.Finding) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.findings) < maxEvents {
		b.findings = append(b.findings, list...)
	}
}

// An asCase is one case on a bench.
type asCase struct {
	*bench
	t *T
	p *mediaPeer // the first media server
	c *asChannel // its control channel
}

// on makes what runs a case while the first media server has a control channel.
func (b *bench) on(run func(a *asCase)) func(*T) {
	return b.around(func(a *asCase) {
		a.c = a.channel()
		if a.c != b.last {
			a.serves() // so that the application server knows of the channel, too
		}
		b.last = a.c
		if _, rest, _ := strings.Cut(a.t.name, "/"); a.c.control.info && strings.HasPrefix(rest, "7.2") {
			a.t.Skipf("the channel goes over SIP INFO, not over TCP")
		}
		run(a)
	})
}

// around makes what runs a case, channel or no channel. The second media server refuses
// its channels unless the case wants it.
func (b *bench) around(run func(a *asCase)) func(*T) {
	return func(t *T) {
		if err := b.start(); err != nil {
			t.notSetUp(err)
		}
		a := &asCase{bench: b, t: t, p: b.ms[0]}
		b.reset(&t.wire)
		t.Cleanup(func() { a.finish() })
		run(a)
	}
}

// reset has everything behave as it should, and forgets events.
func (b *bench) reset(w *wire) {
	b.mu.Lock()
	b.wire, b.auto, b.onUser, b.acks = w, nil, nil, map[string]time.Time{}
	b.mu.Unlock()
	for i, p := range b.ms {
		p.reset(i > 0)
	}
	for len(b.calls) > 0 {
		<-b.calls
	}
	for len(b.refers) > 0 {
		<-b.refers
	}
}

// finish reports what is wrong with what came, whatever the case is about.
func (a *asCase) finish() {
	a.mu.Lock()
	list := a.findings
	a.findings, a.wire = nil, nil
	a.mu.Unlock()
	for _, f := range list {
		a.t.Errorf("%v", f)
	}
	for _, p := range a.ms {
		if p.reset(p != a.p) {
			a.last = nil // the application server is to know before the next case
		}
	}
}

// channel waits for the first media server's control channel. If none comes at all, the
// application server cannot be reached, unless one has come before.
func (a *asCase) channel() *asChannel {
	a.t.Helper()
	c := a.p.await(a.t, a.retried())
	if c == nil {
		err := fmt.Errorf("no control channel has come to %s within %v", a.p.ua.Addr(), a.retried())
		if !a.reached {
			a.t.unreached = err
		}
		a.t.Fatal(err)
	}
	a.reached = true
	return c
}

// fresh ends the control dialog and returns the channel of the next.
func (a *asCase) fresh() *asChannel {
	a.t.Helper()
	old := a.c
	if old == nil {
		old = a.channel()
	}
	hangUp(old.call)
	next(a, old.control.ended, "end of the control dialog")
	next(a, old.done, "end of the connection")
	a.serves()
	return a.c
}

// newUser makes a recipient up, whom nobody has left anything for.
func (a *asCase) newUser() string {
	a.users++
	return fmt.Sprintf("sip:conform-%d-%d@%s", time.Now().UnixNano(), a.users, a.target.Domain)
}

// retried is how long to wait for what is tried again after a pause.
func (a *asCase) retried() time.Duration { return a.target.Retry + a.t.timeout }

// next takes the next event, or fails the case after its timeout.
func next[E any](a *asCase, events <-chan E, what string) E {
	a.t.Helper()
	return nextWithin(a, events, what, a.t.timeout)
}

// nextTry is next for what comes after a pause.
func nextTry[E any](a *asCase, events <-chan E, what string) E {
	a.t.Helper()
	return nextWithin(a, events, what, a.retried())
}

func nextWithin[E any](a *asCase, events <-chan E, what string, d time.Duration) (e E) {
	a.t.Helper()
	select {
	case e = <-events:
	case <-time.After(d):
		a.t.Fatalf("within %v there is no %s", d, what)
	case <-a.t.ctx.Done():
		a.t.Fatal(a.t.ctx.Err())
	}
	return e
}

// within reports whether a channel is closed, or sends, within d.
func happens[E any](events <-chan E, d time.Duration) bool {
	select {
	case <-events:
		return true
	case <-time.After(d):
		return false
	}
}
