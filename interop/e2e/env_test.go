package e2e

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/interop/internal/testenv"
	"github.com/gomscp/gomscp/interop/kamailio"
	"github.com/gomscp/gomscp/interop/sipserver"
	"github.com/gomscp/gomscp/ms"
	"github.com/gomscp/gomscp/msrp"
)

const (
	domain = "example.com"
	alice  = "sip:alice@" + domain
	bob    = "sip:bob@" + domain
	carol  = "sip:carol@" + domain
	dave   = "sip:dave@" + domain

	// patience bounds every single wait.
	patience = 30 * time.Second
)

var users = map[string]string{"alice": "a", "bob": "b", "carol": "c", "dave": "d"}

var binaries cluster.Binaries

// TestMain builds the servers. Unless -parallel says how many, more tests go side by side
// than there are processors: those that are parallel wait for timers most of the time.
func TestMain(m *testing.M) {
	testutil.Parallel(4 + runtime.GOMAXPROCS(0))
	testenv.Main(m, &binaries)
}

// An env is a running cluster with a proxy in front of it.
type env struct {
	t       *testing.T
	ctx     context.Context
	proxy   string
	params  string            // of the proxy's address, for phones
	server  *sipserver.Server // nil behind Kamailio
	foreign *kamailio.Server  // nil without
	// thirdParty has the server tell of registrations by REGISTER.
	thirdParty bool
	cluster    *cluster.Cluster
	options    cluster.Options   // of the cluster
	presence   string            // of envOptions
	moreAS     []string          // addresses of further application servers
	users      map[string]string // passwords, by user part
}

type envOptions struct {
	users     map[string]string // of the domain; nil means those that most tests have
	weights   []int             // nil means one media server
	kamailio  bool
	moreAS    []string // addresses of further application servers
	presence  string   // how the application server learns who is reachable; "" means the default
	configAS  func(*as.Config)
	configMS  func(int, *ms.Config)
	onTrace   func(daemon.TraceRecord) // gets all that the processes trace
	keepAlone bool                     // do not start the processes
	time      time.Duration            // that the test may take, if more than usual
	binaries  cluster.Binaries         // other servers than usual
}

// newEnv starts a cluster whose waits are short.
func newEnv(t *testing.T, o envOptions) *env {
	t.Helper()
	// What TestLedger stores in a second takes several to deliver.
	ctx, cancel := context.WithTimeout(t.Context(), max(o.time, 2*time.Minute+20*(*ledgerTime)))
	t.Cleanup(cancel)
	if o.users == nil {
		o.users = users
	}
	e := &env{t: t, ctx: ctx, users: o.users}
	asAddr, proxyAddr := testenv.FreeAddr(t), testenv.FreeAddr(t)
	if o.kamailio {
		e.presence = o.presence
		e.startKamailio(proxyAddr, asAddr)
	} else {
		e.moreAS = o.moreAS
		e.thirdParty = o.presence == "register"
		e.startServer(proxyAddr, asAddr)
	}
	if o.weights == nil {
		o.weights = []int{1}
	}
	if o.binaries == (cluster.Binaries{}) {
		o.binaries = binaries
	}
	var err error
	e.options = cluster.Options{
		Binaries: o.binaries, Dir: t.TempDir(), ASAddr: asAddr, Proxy: proxyAddr, Weights: o.weights,
		ConfigAS: func(c *as.Config) {
			c.Push.RetryMin, c.Push.RetryMax = 200*time.Millisecond, time.Second
			c.Push.Delay, c.Push.Ring = 50*time.Millisecond, time.Second
			c.Control.RetryMin, c.Control.RetryMax = 50*time.Millisecond, 500*time.Millisecond
			c.Presence.Expires = 5 * time.Second
			if o.presence != "" {
				c.Presence.Package = o.presence
			}
			if o.configAS != nil {
				o.configAS(c)
			}
		},
		ConfigMS: o.configMS, OnTrace: o.onTrace,
	}
	e.cluster, err = cluster.New(e.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.cluster.Kill)
	t.Cleanup(func() {
		if t.Failed() {
			for _, p := range e.cluster.Processes() {
				t.Logf("--- %s\n%s", p.Name, p.LogTail(40))
			}
		}
	})
	if !o.keepAlone {
		if err := e.cluster.Start(ctx); err != nil {
			t.Fatal(err)
		}
		e.awaitChannels()
	}
	return e
}

func (e *env) startServer(addr, asAddr string) {
	e.t.Helper()
	s, err := sipserver.New(sipserver.Config{Addr: addr, Domain: domain, AppServer: asAddr, Users: e.users, ThirdParty: e.thirdParty, MoreAppServers: e.moreAS})
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { s.Close() })
	e.server, e.proxy = s, addr
}

func (e *env) startKamailio(addr, asAddr string) {
	e.t.Helper()
	if err := kamailio.Available(); err != nil {
		missing(e.t, err)
	}
	k, err := kamailio.Start(e.ctx, kamailio.Options{
		Addr: addr, Domain: domain, AppServer: asAddr, Users: e.users, Dir: e.t.TempDir(), Log: io.Discard, Presence: e.presence,
	})
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(k.Stop)
	e.proxy, e.foreign = addr, k
}

// missing ends a test whose peer is not there.
func missing(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("GOMSCP_REQUIRE_PEERS") == "1" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// eventually waits until ok, which has no event to wait for: what it asks is in
// another process.
func (e *env) eventually(what string, ok func() bool) {
	e.t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) || e.ctx.Err() != nil {
			e.t.Fatalf("not within %v: %s", patience, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// awaitChannels waits until every media server has its control channel.
func (e *env) awaitChannels() {
	e.t.Helper()
	e.eventually("all control channels are up", func() bool {
		page, _ := e.cluster.AS.Get(e.ctx, "/metrics")
		return channelsUp(page) == len(e.cluster.MS)
	})
}

func channelsUp(page string) int {
	n := 0
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "mscp_as_channel_up{") && strings.HasSuffix(line, " 1\n") {
			n++
		}
	}
	return n
}

// metric reads one value of a process's metrics, "" if there is none.
func (e *env) metric(p *cluster.Process, name string) string {
	v, _ := p.Metric(e.ctx, name)
	return v
}

// kept is the number of messages that all media servers keep.
func (e *env) kept() int {
	total := 0
	for _, p := range e.cluster.MS {
		page, err := p.Get(e.ctx, "/store")
		if err != nil {
			return -1
		}
		var kept []ms.Kept
		if err := json.Unmarshal([]byte(page), &kept); err != nil {
			e.t.Errorf("%s: %v", p.Name, err)
		}
		for _, k := range kept {
			total += k.Messages
		}
	}
	return total
}

func (e *env) wantKept(n int) {
	e.t.Helper()
	e.eventually(fmt.Sprintf("%d messages are kept", n), func() bool { return e.kept() == n })
}

// phone opens a softphone for a user of the domain.
func (e *env) phone(cfg softphone.Config) *softphone.Phone {
	e.t.Helper()
	name := strings.TrimSuffix(strings.TrimPrefix(cfg.User, "sip:"), "@"+domain)
	cfg.Proxy, cfg.Password = e.proxy+e.params, e.users[name]
	p, err := softphone.New(cfg)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { p.Close() })
	return p
}

// leave has a user call another and leave texts.
func (e *env) leave(from, to string, texts ...string) {
	e.t.Helper()
	e.leaveAs(from, to, msrp.Message{}, texts...)
}

// leaveAs leaves texts in the manner of m.
func (e *env) leaveAs(from, to string, m msrp.Message, texts ...string) {
	e.t.Helper()
	chat := e.call(from, to)
	for _, text := range texts {
		if err := send(e.ctx, chat, m, text); err != nil {
			e.t.Fatalf("%q: %v", short(text), err)
		}
	}
	if err := chat.Close(e.ctx); err != nil {
		e.t.Errorf("end of the call: %v", err)
	}
}

func (e *env) call(from, to string) *softphone.Chat {
	e.t.Helper()
	chat, err := e.phone(softphone.Config{User: from}).Call(e.ctx, to)
	if err != nil {
		e.t.Fatal(err)
	}
	return chat
}

// send sends a text in the manner of m, and waits for its report if it asks for
// one.
func send(ctx context.Context, chat *softphone.Chat, m msrp.Message, text string) error {
	m.ContentType, m.Body, m.Size = cmp.Or(m.ContentType, "text/plain"), strings.NewReader(text), int64(len(text))
	receipt, err := chat.Send(ctx, m)
	if err != nil {
		return err
	}
	return receipt.Wait(ctx)
}

func short(s string) string { return s[:min(len(s), 20)] }

// An inbox is what a recipient has got: "sender text" of each, in order, with a
// long text replaced by its hash.
type inbox struct {
	mu   sync.Mutex
	got  []string
	news chan struct{}
}

func newInbox() *inbox { return &inbox{news: make(chan struct{}, 1000)} }

func (b *inbox) take(ctx context.Context, m *softphone.Message) error {
	text, release, err := readInOrder(ctx, m)
	if err != nil {
		return err
	}
	defer release()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, m.Sender+" "+digest(string(text)))
	b.news <- struct{}{}
	return nil
}

// readInOrder reads a message and waits for its turn, which lasts until release.
func readInOrder(ctx context.Context, m *softphone.Message) (body []byte, release func(), err error) {
	if body, err = io.ReadAll(m); err == nil {
		release, err = m.InOrder(ctx)
	}
	return body, release, err
}

func digest(text string) string {
	if len(text) <= 100 {
		return text
	}
	return fmt.Sprintf("%d bytes %x", len(text), sha256.Sum256([]byte(text)))
}

// want waits until the inbox holds exactly these.
func (b *inbox) want(t *testing.T, want ...string) {
	t.Helper()
	timeout := time.After(patience)
	for {
		b.mu.Lock()
		got := append([]string(nil), b.got...)
		b.mu.Unlock()
		if len(got) >= len(want) {
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("got %d messages:\n%s\nwant %d:\n%s", len(got), strings.Join(got, "\n"), len(want), strings.Join(want, "\n"))
			}
			return
		}
		select {
		case <-b.news:
		case <-timeout:
			t.Fatalf("only %d of %d messages came: %q", len(got), len(want), got)
		}
	}
}

// wantAny is want for messages whose senders come in any order.
func (b *inbox) wantAny(t *testing.T, want ...string) {
	t.Helper()
	timeout := time.After(patience)
	for {
		b.mu.Lock()
		got := append([]string(nil), b.got...)
		b.mu.Unlock()
		if len(got) >= len(want) {
			sort.Strings(got)
			sort.Strings(want)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("got %q, want %q in any order", got, want)
			}
			return
		}
		select {
		case <-b.news:
		case <-timeout:
			t.Fatalf("only %d of %d messages came: %q", len(got), len(want), got)
		}
	}
}

// register opens a recipient's phone that fills the inbox, and registers it.
func (e *env) register(cfg softphone.Config, b *inbox) *softphone.Phone {
	e.t.Helper()
	if cfg.OnMessage == nil && b != nil {
		cfg.OnMessage = b.take
	}
	p := e.phone(cfg)
	if err := p.Register(e.ctx, time.Minute); err != nil {
		e.t.Fatal(err)
	}
	return p
}

// plain is the manner of most messages.
var plain = msrp.Message{}
