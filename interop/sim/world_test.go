package sim

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/internal/simnet"
	"github.com/gomscp/gomscp/ms"
	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/store"
	"github.com/gomscp/gomscp/store/archive"
)

const (
	outsideIP  = "10.0.0.9"
	serverIP   = "10.0.0.1"
	sipAddress = outsideIP + ":5060"
	msrpPort   = 2855
	domain     = "sim.example"
)

// users are the senders and recipients.
var users = []string{"alice", "bob", "carol"}

func uriOf(user string) string { return "sip:" + user + "@" + domain }

// A world is one run: the cluster, what is outside of it, and what has become of each
// message.
type world struct {
	net     *simnet.Net
	outside *simnet.Host
	e       *endpoint
	dir     string // of the files
	log     *slog.Logger
	as      *appServer
	ms      []*mediaServer
	options options
	work    sync.WaitGroup // everything that ends with the world

	mu       sync.Mutex
	random   *rand.Rand
	messages []*message
	calls    []*call
	policies map[string]*policy // by recipient, or recipient and sender
	open     map[string]bool    // who is registered
	subs     map[string]*subscription
	invited  map[string]func()         // of INVITEs that are not answered, by branch
	passive  map[string]*pushSession   // that wait for the media server, by session-id
	pushes   map[string]*pushSession   // that are there, by Call-ID
	invites  int                       // calls of the cluster
	empty    int                       // of which nothing came in so many, though nothing went wrong
	troubled map[string]time.Time      // when something last went wrong that a message may double for, by recipient
	copies   map[*mediaServer]*oldCopy // older copies of stores
	disturb  time.Time                 // when something last went wrong for everybody
	fault    string                    // the first that was found

	now                 event // what happens
	happened, invitedAt time.Time
	invitedNow          int // calls since invitedAt
	writtenBack         int // sessions in which users have written back
}

// Options are what holds for a whole run.
type options struct {
	inventory  time.Duration
	timeToLive time.Duration
}

// An appServer is the application server's process.
type appServer struct {
	host *simnet.Host
	s    *as.Server
	file string
	list []as.MediaServerConfig
}

// A mediaServer is one media server's process; s is nil while it is down.
type mediaServer struct {
	ip, name, file string
	host           *simnet.Host
	s              *ms.Server
}

func newWorld(dir string, r *rand.Rand, log *slog.Logger) (*world, error) {
	w := &world{
		net: simnet.New(), dir: dir, log: log, random: r,
		policies: map[string]*policy{}, open: map[string]bool{}, subs: map[string]*subscription{},
		invited: map[string]func(){}, passive: map[string]*pushSession{}, pushes: map[string]*pushSession{},
		troubled: map[string]time.Time{}, copies: map[*mediaServer]*oldCopy{},
	}
	if r.IntN(2) == 0 {
		w.options.inventory = 10 * time.Minute
	}
	if r.IntN(8) == 0 {
		w.options.timeToLive = time.Hour
	}
	w.outside = w.net.Host(outsideIP)
	var err error
	if w.e, err = newEndpoint(w.outside, sipAddress, serverIP+":5080", log, w.request); err != nil {
		return nil, err
	}
	w.work.Go(w.e.serve)
	l, err := w.outside.Listen("tcp", fmt.Sprint(outsideIP, ":", msrpPort))
	if err != nil {
		return nil, err
	}
	w.work.Go(func() { w.acceptPushes(l) })
	for i := range 2 {
		m := &mediaServer{ip: fmt.Sprintf("10.0.0.%d", i+2), name: fmt.Sprintf("ms%d", i+1), file: w.newFile("ms")}
		w.ms = append(w.ms, m)
		if err := w.startMS(m); err != nil {
			return nil, err
		}
	}
	w.as = &appServer{file: w.newFile("as")}
	for _, m := range w.ms {
		// Over TCP, since the SIP stack waits in a mutex when a refusal is repeated.
		uri := "sip:ms@" + m.ip + ":5090;transport=tcp"
		w.as.list = append(w.as.list, as.MediaServerConfig{Name: m.name, URI: uri, Weight: 1})
	}
	return w, w.startAS()
}

func (w *world) newFile(kind string) string {
	return filepath.Join(w.dir, fmt.Sprintf("%s-%x.db", kind, rand.Uint64()))
}

func networkOf(h *simnet.Host) sipua.Network {
	return sipua.Network{Listen: h.Listen, ListenPacket: h.ListenPacket, DialContext: h.DialContext}
}

func (w *world) startMS(m *mediaServer) (err error) {
	m.host = w.net.Host(m.ip)
	cfg := ms.DefaultConfig()
	cfg.Name, cfg.Store, cfg.Network = m.name, m.file, networkOf(m.host)
	cfg.SIP.Listen, cfg.Access.Peers = m.ip+":5090", []string{"10.0.0.0/8"}
	cfg.MSRP.Listen, cfg.MSRP.TLSListen = fmt.Sprint(m.ip, ":", msrpPort), "off"
	cfg.Limits.MinFree, cfg.TimeToLive = 0, w.options.timeToLive
	m.s, err = ms.Start(cfg, w.log.With("process", m.name))
	return err
}

func (w *world) startAS() (err error) {
	w.as.host = w.net.Host(serverIP)
	cfg := as.DefaultConfig()
	cfg.SIP.Listen, cfg.Directory, cfg.Network = serverIP+":5080", w.as.file, networkOf(w.as.host)
	cfg.Access.Peers, cfg.Access.Trusted = []string{"10.0.0.0/8"}, []string{"10.0.0.0/8"}
	cfg.Limits.SourceRate, cfg.MediaServers, cfg.OutboundProxy = 0, w.as.list, sipAddress
	cfg.InventoryInterval = w.options.inventory
	w.as.s, err = as.Start(cfg, w.log.With("process", "as"))
	return err
}

// snapshot copies a file as it is at this moment, at which no process writes.
func (w *world) snapshot(file string) string {
	synctest.Wait()
	to := w.newFile("copy")
	b, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		w.fail("copy of %s: %v", file, err)
	}
	return to
}

// killMS ends a media server as kill -9 does: what it has written so far is what its next
// start finds. What the old one does then, nobody sees.
func (w *world) killMS(m *mediaServer) {
	if m.s == nil {
		return
	}
	m.file = w.snapshot(m.file)
	m.host.Kill()
	m.s.Store().SetBeforeCommit(func() error { return nil })
	old := m.s
	m.s = nil
	w.work.Go(func() { _ = old.Close() })
	w.disturbed()
}

func (w *world) killAS() {
	if w.as.s == nil {
		return
	}
	w.as.file = w.snapshot(w.as.file)
	w.as.host.Kill()
	old := w.as.s
	w.as.s = nil
	w.locked(func() { clear(w.pushes) }) // nobody ends these dialogs
	w.work.Go(func() { _ = old.Close() })
	w.disturbed()
}

// disturbed notes that messages may double from now on, or since a moment ago.
func (w *world) disturbed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.disturb = time.Now()
}

// fail notes a fault. Of several the first counts.
func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failLocked(format, args...)
}

func (w *world) failLocked(format string, args ...any) {
	if w.fault == "" {
		w.fault = fmt.Sprintf(format, args...)
		w.log.Error("FAULT", "fault", w.fault)
	}
}

// heal has everything work again, and everybody take everything.
func (w *world) heal() error {
	w.net.SetDelay(0)
	w.net.SetLoss(nil)
	for _, m := range w.ms {
		if m.s == nil {
			if err := w.startMS(m); err != nil {
				return fmt.Errorf("start of %s: %w", m.name, err)
			}
		}
		m.host.Stall(false)
		m.s.Store().SetBeforeCommit(func() error { return nil })
	}
	if w.as.s == nil {
		if err := w.startAS(); err != nil {
			return fmt.Errorf("start of the application server: %w", err)
		}
	}
	w.as.host.Stall(false)
	w.outside.Stall(false)
	w.mu.Lock()
	for key, p := range w.policies { // what concerns one sender stays for a while
		if !strings.Contains(key, " ") || !p.aboutSender() {
			delete(w.policies, key)
		}
	}
	w.mu.Unlock()
	return nil
}

// close ends everything.
func (w *world) close() {
	if w.as != nil && w.as.s != nil {
		if err := w.as.s.Close(); err != nil {
			w.fail("close of the application server: %v", err)
		}
	}
	for _, m := range w.ms {
		if m.s != nil {
			if err := m.s.Close(); err != nil {
				w.fail("close of %s: %v", m.name, err)
			}
		}
	}
	w.outside.Kill()
	w.work.Wait()
}

// moveMessages copies the messages of one store into another, as an operator does.
func (w *world) moveMessages(from, to *mediaServer) error {
	var file bytes.Buffer
	if _, err := archive.Export(context.Background(), from.s.Store(), &file, store.Filter{}, nil); err != nil {
		return err
	}
	_, err := archive.Import(context.Background(), to.s.Store(), &file, nil)
	return err
}

// acceptPushes takes the connections of media servers to user agents that are passive.
func (w *world) acceptPushes(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		w.work.Go(func() { w.acceptPush(conn) })
	}
}

// chance is true once in n times.
func (w *world) chance(n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.random.IntN(n) == 0
}

func isMSRP(local, remote *net.TCPAddr) bool {
	return local.Port == msrpPort || remote.Port == msrpPort
}

// isControl reports whether a connection is between the servers, other than SIP.
func isControl(local, remote *net.TCPAddr) bool {
	return !isMSRP(local, remote) && local.Port != 5090 && remote.Port != 5090 && local.Port != 5080 && remote.Port != 5080
}

func isSIP(local, remote *net.TCPAddr) bool {
	return !isMSRP(local, remote) && !isControl(local, remote)
}
