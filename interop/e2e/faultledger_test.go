package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/ms"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

var (
	faultKills = flag.Int("kills", 4, "how many processes TestFaults kills")
	faultDisks = flag.Bool("faults.disks", false, "have disks fail more often in TestFaults")
	faultSeed  = flag.Uint64("faults.seed", 0, "the seed of the order of faults in TestFaults; 0: any")
)

const (
	faultMS         = 3
	faultCallers    = 8
	faultRecipients = 4
)

// A faultLedger is what every sender knows of its messages.
type faultLedger struct {
	mu      sync.Mutex
	pairs   map[string]*faultPair // by "from to"
	slowest time.Duration         // answer to a SEND
	last200 time.Time
}

type faultPair struct {
	next    int
	answers map[int]int      // by number; 0: none came
	came    map[int][]string // Message-IDs of what came
}

func (l *faultLedger) pair(from, to string) *faultPair {
	key := from + " " + to
	p := l.pairs[key]
	if p == nil {
		p = &faultPair{answers: map[int]int{}, came: map[int][]string{}}
		l.pairs[key] = p
	}
	return p
}

// begin gives numbers to n messages.
func (l *faultLedger) begin(from, to string, n int) (first int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.pair(from, to)
	first = p.next
	p.next += n
	for i := range n {
		p.answers[first+i] = 0
	}
	return first
}

func (l *faultLedger) answered(from, to string, n, code int, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pair(from, to).answers[n] = code
	l.slowest = max(l.slowest, took)
	if code == 200 {
		l.last200 = time.Now()
	}
}

// faultBody is what a message says: its number, and bytes that follow from that.
func faultBody(from, to string, n int) string {
	size := []int{10, 10, 10, 3000, 70_000}[n%5]
	unit := fmt.Sprintf("%s>%s/%d.", from, to, n)
	return fmt.Sprintf("%d %s", n, strings.Repeat(unit, size/len(unit)+1))
}

func faultID(from, to string, n int) string { return fmt.Sprintf("%s.%s.%d", from, to, n) }

// took takes down a message that came.
func (l *faultLedger) took(from, to, id string, body []byte) error {
	number, _, _ := strings.Cut(string(body), " ")
	n, err := strconv.Atoi(number)
	if err != nil || string(body) != faultBody(from, to, n) {
		return fmt.Errorf("from %s to %s: the bytes of message %s are not its own", from, to, short(number))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.pair(from, to)
	p.came[n] = append(p.came[n], id)
	return nil
}

// A faultTally is what a run has seen.
type faultTally struct {
	confirmed, refused, unknown, unanswered, delivered, doubled, lost, false200 int
}

// check counts, and reports what must not be.
func (l *faultLedger) check(t *testing.T, killed bool) (c faultTally) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(l.pairs)) {
		p := l.pairs[key]
		from, to, _ := strings.Cut(key, " ")
		for n, code := range p.answers {
			came := p.came[n]
			switch {
			case code == 200:
				if c.confirmed++; len(came) == 0 {
					c.lost++
					t.Errorf("%s: message %d was confirmed and did not come", key, n)
				}
			case code == 0:
				c.unanswered++
			case code == 408: // it is not known
				c.unknown++
			default:
				if c.refused++; len(came) > 0 {
					c.false200++
					t.Errorf("%s: message %d was refused with %d and came", key, n, code)
				}
			}
			c.delivered += min(1, len(came))
			if len(came) > 1 {
				if c.doubled += len(came) - 1; !killed {
					t.Errorf("%s: message %d came %d times", key, n, len(came))
				}
			}
			for _, id := range came {
				if id != faultID(from, to, n) {
					t.Errorf("%s: message %d came as %q", key, n, id)
				}
			}
		}
	}
	return c
}

// TestFaults has callers, of the rude kind as well, leave messages in sessions side by
// side, and recipients come and go, refuse and reply, while processes are killed, stopped
// for a while, told to reload and asked for inventories, exports and deliveries, and disks
// fail. Then all is well again and everybody there: what was confirmed has come, what was
// refused has not, and nothing is left behind. The seed gives the faults and their order
// again, though not when they meet the messages.
func TestFaults(t *testing.T) {
	seed := *faultSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-faults.seed %d", seed)
	servers, clocks := binaries, ""
	if *faultClocks {
		servers, clocks = withClocks(t)
	}
	e := newEnv(t, envOptions{users: faultUsers(), binaries: servers, weights: []int{1, 1, 1}, time: 3*time.Minute + time.Duration(*faultKills)*2*time.Second,
		configAS: func(c *as.Config) { c.Store.InviteTimeout, c.InventoryInterval = 2*time.Second, 5*time.Second },
		configMS: func(_ int, c *ms.Config) {
			c.Orphan = 3 * time.Second
			c.Push.ConnectTimeout, c.Push.ConfirmTimeout, c.Push.ReceiptWait = 2*time.Second, 5*time.Second, 100*time.Millisecond
			c.Push.GiveUp = time.Second
		}})
	l := &faultLedger{pairs: map[string]*faultPair{}}
	w := &faultWorld{env: e, l: l}
	ctx, stop := context.WithCancel(e.ctx)
	defer stop()
	var work sync.WaitGroup
	for i := range faultCallers {
		work.Go(func() { w.call(ctx, i) })
	}
	for i := range faultRecipients {
		work.Go(func() { w.comeAndGo(ctx, fmt.Sprintf("f%d", i)) })
	}
	f := &faults{faultWorld: w, clocks: clocks, rnd: rand.New(rand.NewPCG(seed, 1)), done: map[string]int{}}
	f.run(*faultKills)
	stop()
	work.Wait()
	t.Logf("faults: %v; service was back %v after a kill at the most", f.done, f.longest.Round(time.Millisecond))

	e.awaitChannels()
	began := time.Now()
	w.willing.Store(true)
	for i := range faultCallers {
		w.here(fmt.Sprintf("c%d", i))
	}
	for i := range faultRecipients {
		w.here(fmt.Sprintf("f%d", i))
	}
	e.drain()
	restored := 0
	for _, p := range e.cluster.MS {
		restored += e.restoreAside(p)
	}
	e.drain()
	t.Logf("%d messages had been set aside", restored)
	c := l.check(t, *faultKills > 0)
	t.Logf("%d messages confirmed, %d refused, %d not known, %d without an answer; %d came, %d once more; %d were lost, %d were refused and came",
		c.confirmed, c.refused, c.unknown, c.unanswered, c.delivered, c.doubled, c.lost, c.false200)
	t.Logf("the slowest answer took %v; all was delivered %v after the last fault", l.slowest.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	if c.confirmed == 0 || c.unanswered+c.unknown+c.refused == 0 {
		t.Error("the test shows nothing")
	}
	if l.slowest > 30*time.Second {
		t.Errorf("an answer took %v", l.slowest)
	}
	for i := range faultMS {
		e.eventually("no session is counted", func() bool {
			n := e.metric(e.cluster.AS, fmt.Sprintf(`mscp_as_store_sessions{ms="ms%d"}`, i+1))
			return n == "0" || n == ""
		})
		e.eventually("nothing is held", func() bool { return e.metric(e.cluster.MS[i], `mscp_mediaserver_held_bytes{for="all"}`) == "0" })
	}
}

// faultUsers are all that have a place in TestFaults.
func faultUsers() map[string]string {
	all := map[string]string{}
	for i := range faultCallers {
		all[fmt.Sprintf("c%d", i)] = "c"
	}
	for i := range faultRecipients {
		all[fmt.Sprintf("f%d", i)] = "f"
	}
	return all
}

// store runs a command of a media server's operator, and returns what it prints.
func (e *env) store(args ...string) string {
	e.t.Helper()
	var errs strings.Builder
	cmd := exec.CommandContext(e.ctx, binaries.MS, append([]string{"store"}, args...)...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		e.t.Errorf("mscp-ms store %q: %v\n%s", args, err, errs.String())
	}
	return string(out)
}

// restoreAside has what a media server has set aside delivered again, and returns how many
// messages that were.
func (e *env) restoreAside(p *cluster.Process) int {
	e.t.Helper()
	var ids []string
	for line := range strings.Lines(e.store("messages", "-aside", "-json", "-admin", p.Admin)) {
		var m struct{ ID uint64 }
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			e.t.Errorf("%q: %v", line, err)
		}
		ids = append(ids, strconv.FormatUint(m.ID, 10))
	}
	if len(ids) > 0 {
		e.store(append([]string{"restore", "-admin", p.Admin}, ids...)...)
	}
	return len(ids)
}

// A faultWorld has the people of TestFaults.
type faultWorld struct {
	*env
	l       *faultLedger
	willing atomic.Bool // recipients take everything
}

func userURI(user string) string { return "sip:" + user + "@" + domain }

// call leaves messages for everybody, in one call after the other, until ctx ends. Odd
// callers end their calls before they are answered.
func (w *faultWorld) call(ctx context.Context, i int) {
	name := fmt.Sprintf("c%d", i)
	ua, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0", User: name}, sipua.Handlers{})
	if err != nil {
		w.t.Error(err)
		return
	}
	defer ua.Close()
	var sessions sync.WaitGroup
	for range 2 { // side by side, of the same pairs
		sessions.Go(func() {
			for ctx.Err() == nil {
				to := fmt.Sprintf("f%d", rand.IntN(faultRecipients))
				if !w.leaveRaw(ctx, ua, name, to, i) {
					time.Sleep(20 * time.Millisecond) // the server is away
				}
			}
		})
	}
	sessions.Wait()
}

// faultPatience is how long a caller waits for an answer: longer than it may take.
const faultPatience = 35 * time.Second

// leaveRaw makes one call, and reports whether it was taken.
func (w *faultWorld) leaveRaw(ctx context.Context, ua *sipua.UA, name, to string, how int) bool {
	ictx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	s, err := dialRaw(ictx, ua, w.proxy, userURI(name), userURI(to))
	if err != nil {
		return false
	}
	defer s.conn.Close()
	count := 1 + rand.IntN(4)
	first := w.l.begin(name, to, count)
	for n := first; n < first+count; n++ {
		s.add(n, faultID(name, to, n), faultBody(name, to, n))
	}
	if how%4 == 3 {
		s.addPart("part of a message that never comes whole")
	}
	began := time.Now()
	bye := make(chan error, 1)
	rude := how%2 == 1
	if rude {
		go func() { bye <- s.bye() }()
	}
	if s.write() == nil && !(rude && rand.IntN(4) == 0) { // some do not even wait
		if !s.answers(count, faultPatience, func(n, code int) { w.l.answered(name, to, n, code, time.Since(began)) }) {
			w.t.Errorf("%s to %s: %d messages from number %d on: no answer in %v, rude: %v, call %s", name, to, count, first, faultPatience, rude, s.call.ID())
		}
	}
	if !rude {
		bye <- s.bye()
	}
	<-bye // the server may be away
	return true
}

// here registers a user who takes everything from now on.
func (w *faultWorld) here(user string) *softphone.Phone {
	phone := w.phone(softphone.Config{User: userURI(user), AnswerCall: w.answer, OnMessage: w.take(user)})
	w.eventually(user+" registers", func() bool { return phone.Register(w.ctx, 10*time.Minute) == nil })
	return phone
}

// comeAndGo registers a user again and again, for a while each time.
func (w *faultWorld) comeAndGo(ctx context.Context, user string) {
	for ctx.Err() == nil {
		phone := w.phone(softphone.Config{User: userURI(user), AnswerCall: w.answer, OnMessage: w.take(user)})
		if err := phone.Register(ctx, time.Minute); err != nil && ctx.Err() == nil {
			w.t.Errorf("%s: %v", user, err) // the proxy is always there
			return
		}
		select {
		case <-time.After(time.Duration(500+rand.IntN(2000)) * time.Millisecond):
		case <-ctx.Done():
		}
		uctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		_ = phone.Unregister(uctx)
		cancel()
		phone.Close()
		select {
		case <-time.After(time.Duration(rand.IntN(500)) * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// answer takes most calls, and refuses the others in all manners.
func (w *faultWorld) answer(context.Context, *sipua.IncomingCall) int {
	if w.willing.Load() || rand.IntN(3) > 0 {
		return 200
	}
	return []int{403, 408, 480, 486, 488, 500, 503, 603, 606}[rand.IntN(9)]
}

// take takes down what comes, refuses some of it for now, and answers some of it.
func (w *faultWorld) take(user string) func(context.Context, *softphone.Message) error {
	return func(ctx context.Context, m *softphone.Message) error {
		body, err := io.ReadAll(m)
		if err != nil {
			return err
		}
		if !w.willing.Load() {
			switch rand.IntN(10) {
			case 0:
				return &msrp.StatusError{Code: 403}
			case 1:
				return &msrp.StatusError{Code: 408}
			case 2:
				return &msrp.StatusError{Code: 413} // sets it aside
			}
		}
		from := strings.TrimSuffix(strings.TrimPrefix(m.Sender, "sip:"), "@"+domain)
		if err := w.l.took(from, user, m.MessageID, body); err != nil {
			w.t.Error(err)
		}
		if !w.willing.Load() && rand.IntN(8) == 0 {
			go w.reply(m.Incoming.Session, user, from)
		}
		return nil
	}
}

// reply sends a message back in a push.
func (w *faultWorld) reply(s *msrp.Session, user, to string) {
	n := w.l.begin(user, to, 1)
	body := faultBody(user, to, n)
	ctx, cancel := context.WithTimeout(w.ctx, faultPatience)
	defer cancel()
	began := time.Now()
	_, err := s.Send(ctx, msrp.Message{MessageID: faultID(user, to, n), ContentType: "text/plain", Body: strings.NewReader(body), Size: int64(len(body))})
	var status *msrp.StatusError
	switch {
	case err == nil:
		w.l.answered(user, to, n, 200, time.Since(began))
	case errors.As(err, &status):
		w.l.answered(user, to, n, status.Code, time.Since(began))
	}
}

// faults happen one after the other.
type faults struct {
	*faultWorld
	rnd     *rand.Rand
	clocks  string // the directory for setClock; "": clocks are not set
	done    map[string]int
	kills   int
	longest time.Duration // from a kill to the next confirmation
}

func (f *faults) run(kills int) {
	for f.kills < kills && f.ctx.Err() == nil && !f.t.Failed() {
		time.Sleep(time.Duration(20+f.rnd.IntN(200)) * time.Millisecond)
		f.one()
	}
}

// one makes something go wrong.
func (f *faults) one() {
	server, media := f.cluster.AS, f.cluster.MS[f.rnd.IntN(faultMS)]
	if *faultDisks && f.rnd.IntN(2) == 0 {
		f.failDisk(server, media)
		return
	}
	if f.clocks != "" && f.rnd.IntN(2) == 0 {
		if list := f.cluster.Processes(); f.rnd.IntN(3) > 0 {
			f.setClock(list[f.rnd.IntN(len(list))])
		} else {
			f.setClock(list...)
		}
		return
	}
	what := f.rnd.IntN(100)
	switch {
	case what < 50:
		f.kill("kill of a media server", media)
	case what < 70:
		f.kill("kill of the application server", server)
	case what < 75:
		f.kill("kill of all", f.cluster.Processes()...)
	case what < 80:
		f.freeze("media server stopped", media)
	case what < 83:
		f.freeze("application server stopped", server)
	case what < 86:
		f.failDisk(server, media)
	case what < 89:
		f.did("media server drained and restarted")
		_ = media.Stop() // sessions may be cut off at the end of the drain
		f.startAll(media)
	case what < 91:
		f.did("reload")
		cfg, err := as.LoadConfig(server.Config())
		f.check(errors.Join(err, server.Reconfigure(cfg)))
	case what < 93:
		f.did("inventories asked for")
		f.post(server, "/inventory")
	case what < 96:
		f.move(media, f.cluster.MS[(slices.Index(f.cluster.MS, media)+1)%faultMS])
	case what < 97:
		f.did("set-aside messages restored")
		f.restoreAside(media)
	case what < 98:
		f.did("delivery asked for")
		f.post(server, fmt.Sprintf("/deliver?to=f%d@%s", f.rnd.IntN(faultRecipients), domain))
	default:
		f.did("export")
		f.store("export", "-admin", media.Admin)
	}
}

// move kills a media server, and has another keep what it has kept.
func (f *faults) move(from, to *cluster.Process) {
	f.did("messages moved to another media server")
	from.Kill()
	f.kills++
	cfg, err := ms.LoadConfig(from.Config())
	f.check(err)
	file := filepath.Join(f.t.TempDir(), "moved")
	f.store("export", "-file", cfg.Store, "-o", file)
	f.store("import", "-admin", to.Admin, file)
	f.store("purge", "-all", "-file", cfg.Store)
	f.startAll(from)
}

func (f *faults) did(what string) { f.done[what]++ }

func (f *faults) check(err error) {
	if err != nil {
		f.t.Error(err)
	}
}

// kill kills processes at the same time, starts them again, and waits until a message is
// confirmed.
func (f *faults) kill(what string, list ...*cluster.Process) {
	f.did(what)
	began := time.Now()
	for _, p := range list {
		p.Kill()
		f.kills++
	}
	f.startAll(list...)
	f.eventually("a message is confirmed after a kill", func() bool {
		f.l.mu.Lock()
		defer f.l.mu.Unlock()
		return f.l.last200.After(began)
	})
	f.longest = max(f.longest, time.Since(began))
}

func (f *faults) startAll(list ...*cluster.Process) {
	for _, p := range list {
		f.check(p.Start())
	}
	for _, p := range list {
		f.check(p.WaitReady(f.ctx))
	}
}

func (f *faults) freeze(what string, p *cluster.Process) {
	f.did(what)
	p.Freeze()
	time.Sleep(time.Duration(100+f.rnd.IntN(2500)) * time.Millisecond)
	p.Thaw()
}

// A diskFault is what strace does to calls of a process.
type diskFault struct{ what, inject string }

var diskFaults = []diskFault{
	{"syncs of a media server fail", "fdatasync,fsync:error=EIO"},
	{"writes of a media server find no room", "pwrite64:error=ENOSPC"},
	{"syncs of a media server take 0.2 s", "fdatasync,fsync:delay_enter=200000"},
	{"syncs of the application server fail", "fdatasync,fsync:error=EIO"},
}

// failDisk has a disk fail for a moment, where the tool for it is there.
func (f *faults) failDisk(server, media *cluster.Process) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		if os.Getenv("GOMSCP_REQUIRE_PEERS") == "1" {
			f.t.Error(err)
		}
		return
	}
	fault, p := diskFaults[f.rnd.IntN(len(diskFaults))], media
	if strings.Contains(fault.what, "application server") {
		p = server
	}
	calls, _, _ := strings.Cut(fault.inject, ":")
	ctx, cancel := context.WithTimeout(f.ctx, 300*time.Millisecond)
	defer cancel()
	cmd := exec.CommandContext(ctx, strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace="+calls,
		"-e", "inject="+fault.inject, "-p", strconv.Itoa(p.Pid()))
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it lets go of the process
	cmd.WaitDelay = 5 * time.Second
	_ = cmd.Run() // it is told to end
	f.did(fault.what)
}

func (f *faults) post(p *cluster.Process, path string) {
	req, err := http.NewRequestWithContext(f.ctx, http.MethodPost, "http://"+p.Admin+path, nil)
	if err != nil {
		f.t.Error(err)
		return
	}
	if resp, err := http.DefaultClient.Do(req); err == nil { // it may be away
		resp.Body.Close()
	}
}
