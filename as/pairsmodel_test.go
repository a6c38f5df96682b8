package as

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gomscp/gomscp/as/internal/mailbox"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

var (
	pairsLong = flag.Duration("pairs", 0, "how long TestPairsMeet may try; 0: some seconds")
	pairsSeed = flag.Uint64("pairs.seed", 0, "the seed of the one run that TestPairsMeet makes; 0: many")
)

// modelPresence tells each watcher at once whether the recipient is there.
type modelPresence struct {
	mu   sync.Mutex
	open bool
	told func(reachable, news bool)
}

func (p *modelPresence) Watch(_ context.Context, _ string, told func(reachable, news bool)) (func(), error) {
	p.mu.Lock()
	p.told = told
	open := p.open
	p.mu.Unlock()
	told(open, true)
	return func() {}, nil
}

func (p *modelPresence) say(open bool) {
	p.mu.Lock()
	p.open = open
	told := p.told
	p.mu.Unlock()
	if told != nil {
		told(open, true)
	}
}

// A pairsWorld has an application server, whose directory and mailboxes are real, and a
// model of a media server: how many messages it keeps of each sender, its sessions, and the
// channel that its words are on.
type pairsWorld struct {
	t        *testing.T
	path     string
	s        *Server
	presence *modelPresence

	mu       sync.Mutex
	kept     map[string]int
	copied   map[string]int // an older copy of the store
	outcome  string         // of pushes
	code     int            // of the refusal, if that is the outcome
	takes    time.Duration
	calls    int
	empty    int // calls for nothing
	sessions []*modelSession
	words    []mscp.Element
	broken   bool // words were lost, and no inventory was asked for since
	killed   int  // how often the media server was killed
	lost     int  // how often its channel was lost
}

type modelSession struct {
	sender, id  string
	end         func() // at the AS; nil: it knows nothing of it, or has ended it
	told, stuck bool   // at the MS: ended; a message is on its way to the disk
	stored      bool   // at the MS: a message came in it
}

var modelSenders = []string{"a", "b", "c"}

func (w *pairsWorld) start() {
	w.presence.told = nil
	w.s = newOffice(w.t, w.path, w.presence, w.push)
	if err := w.s.mailboxes.Follow(map[string]bool{"ms1": true}, nil); err != nil {
		w.t.Fatal(err)
	}
	w.s.mailboxes.Start(w.s.life.ctx)
	w.s.cluster.All()[0].SetTells()
}

// push is a push session: what is there when it begins is delivered when it ends. It
// fails when the media server is killed, and when the channel is lost, though then what is
// delivered is delivered.
func (w *pairsWorld) push(ctx context.Context, p mailbox.Pair) error {
	w.mu.Lock()
	sender := strings.TrimSuffix(strings.TrimPrefix(p.Sender, "sip:"), "@x")
	n, outcome, takes, code := w.kept[sender], w.outcome, w.takes, w.code
	killed, lost := w.killed, w.lost
	w.calls++
	if n == 0 {
		w.empty++
	}
	w.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return ctx.Err()
	}
	w.mu.Lock()
	killed, lost = w.killed-killed, w.lost-lost
	w.mu.Unlock()
	if killed > 0 {
		return errors.New("the media server is gone")
	}
	switch outcome {
	case "refuses":
		return inviteFault(&sipua.StatusError{Code: code})
	case "asks for a pause":
		f := inviteFault(&sipua.StatusError{Code: code}).(*mailbox.Fault)
		f.After, f.Never = time.Duration(code%60)*time.Second, false
		return f
	case "away":
		return inviteFault(&sipua.StatusError{Code: 480})
	case "busy":
		return inviteFault(&sipua.StatusError{Code: 486})
	case "device":
		return &mailbox.Fault{Err: errors.New("415"), About: mailbox.AboutDevice}
	case "fails":
		return errors.New("500")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept[sender] = max(0, w.kept[sender]-n)
	if lost > 0 {
		return errors.New("the control channel is gone")
	}
	return nil
}

// tell puts a MsgKept on the channel.
func (w *pairsWorld) tell(sender, session, connection string) {
	w.words = append(w.words, &mscp.MsgKept{
		FromURI: "sip:" + sender + "@x", ToURI: testRecipient, ConnectionID: connection,
		Messages: w.kept[sender], Session: session,
	})
}

// hear delivers the words that are on the channel.
func (w *pairsWorld) hear() {
	w.mu.Lock()
	words := w.words
	w.words = nil
	w.mu.Unlock()
	for _, e := range words {
		w.s.reports.notified(w.s.cluster.All()[0], e)
		synctest.Wait()
	}
}

// ask asks for an inventory, and has it told.
func (w *pairsWorld) ask() {
	id := fmt.Sprint("i", w.calls, len(w.words))
	w.s.cluster.All()[0].ExpectInventory(id)
	e := &mscp.Inventory{InventoryID: id, Batch: 1, Last: true}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.sessions {
		if !s.told {
			e.Pairs = append(e.Pairs, mscp.InventoryPair{FromURI: "sip:" + s.sender + "@x", ToURI: testRecipient})
		}
	}
	for _, s := range modelSenders {
		if w.kept[s] > 0 {
			e.Pairs = append(e.Pairs, mscp.InventoryPair{FromURI: "sip:" + s + "@x", ToURI: testRecipient, Messages: w.kept[s]})
		}
	}
	w.words, w.broken = append(w.words, e), false
}

// askInParts is ask with the pairs in two batches; what the channel has between them comes
// between them.
func (w *pairsWorld) askInParts() {
	w.ask()
	w.mu.Lock()
	defer w.mu.Unlock()
	last := len(w.words) - 1
	whole := w.words[last].(*mscp.Inventory)
	if len(whole.Pairs) == 0 {
		return
	}
	first := *whole
	first.Pairs, first.Last = whole.Pairs[:1], false
	rest := *whole
	rest.Pairs, rest.Batch = whole.Pairs[1:], 2
	w.words = append(w.words[:last], &first)
	w.tell(modelSenders[0], "store-change", "")
	w.words = append(w.words, &rest)
}

// session is the n-th of those that are not over, nil if there is none.
func (w *pairsWorld) session(n int) *modelSession {
	var open []*modelSession
	for _, s := range w.sessions {
		if s.end != nil || !s.told {
			open = append(open, s)
		}
	}
	if len(open) == 0 {
		return nil
	}
	return open[n%len(open)]
}

// A modelEvent is one thing that happens; who chooses among those it may happen to.
type modelEvent struct {
	do         string
	who, which int
}

var modelEvents = []string{
	"begin", "begin", "begin", "store", "store", "commit begins", "commit ends", "bye", "bye", "ms ends", "ms ends",
	"open", "open", "closed", "wait", "wait", "wait long", "hear", "hear", "hear",
	"takes", "away", "busy", "device", "fails", "slow", "refuses", "refuses", "asks for a pause",
	"cancel", "deliver", "taken out", "inventory in parts",
	"import", "purge", "aside", "copy", "older copy", "ask", "channel lost", "as killed", "ms killed",
}

func (w *pairsWorld) run(e modelEvent) {
	sender := modelSenders[e.who%len(modelSenders)]
	s := w.session(e.who)
	switch e.do {
	case "begin":
		id := fmt.Sprintf("c%d", len(w.sessions))
		end, err := w.s.mailboxes.Begin(mailbox.Pair{Recipient: testRecipient, Sender: "sip:" + sender + "@x", Server: "ms1", Since: time.Now()}, id)
		if err != nil {
			w.t.Fatal(err)
		}
		w.sessions = append(w.sessions, &modelSession{sender: sender, id: id, end: end})
	case "store", "commit begins", "commit ends":
		if s == nil || s.told || e.do == "commit ends" && !s.stuck {
			return
		}
		if e.do == "commit begins" {
			s.stuck = true
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		s.stuck, s.stored = false, true
		w.kept[s.sender]++
		w.tell(s.sender, "open", s.id)
	case "bye":
		if s != nil && s.end != nil {
			s.end()
			s.end = nil
		}
	case "ms ends":
		if s != nil && !s.told {
			w.endAtMS(s)
		}
	case "open", "closed":
		w.presence.say(e.do == "open")
	case "wait":
		time.Sleep(time.Duration(1+e.who) * time.Second)
	case "wait long":
		time.Sleep(time.Duration(1+e.who) * 30 * time.Second)
	case "hear":
		w.hear()
	case "takes", "away", "busy", "device", "fails":
		w.mu.Lock()
		w.outcome = e.do
		w.mu.Unlock()
	case "refuses", "asks for a pause": // each code of the table, and some that it has not
		codes := slices.Sorted(maps.Keys(refusals))
		codes = append(codes, 404, 408, 480, 487, 500, 503, 600)
		w.mu.Lock()
		w.outcome, w.code = e.do, codes[e.which%len(codes)]
		w.mu.Unlock()
	case "cancel": // nothing can have been sent in it
		if s != nil && s.end != nil && !s.told && !s.stuck && !s.stored {
			w.s.mailboxes.Cancel(mailbox.Pair{Recipient: testRecipient, Sender: "sip:" + s.sender + "@x", Server: "ms1"}, s.id)
			s.end = nil
			w.endAtMS(s)
		}
	case "deliver":
		w.s.mailboxes.DeliverNow(testRecipient)
	case "taken out": // of the media servers, and put back: its channel is a new one
		w.words = nil
		name, all := map[string]bool{"ms1": true}, w.s.cluster.All()
		w.s.cluster.Set(nil)
		if err := w.s.mailboxes.Follow(nil, name); err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(time.Duration(e.who) * time.Minute)
		w.s.cluster.Set(all)
		if err := w.s.mailboxes.Follow(name, nil); err != nil {
			w.t.Fatal(err)
		}
		w.ask()
	case "inventory in parts": // and something happens between them
		w.askInParts()
	case "slow":
		w.mu.Lock()
		w.takes = time.Duration(e.who) * time.Second
		w.mu.Unlock()
	case "import", "purge", "aside":
		w.mu.Lock()
		defer w.mu.Unlock()
		switch e.do {
		case "import":
			w.kept[sender] += 2
		case "purge": // or their time is over
			w.kept[sender] = 0
		case "aside":
			w.kept[sender] = max(0, w.kept[sender]-1)
		}
		w.tell(sender, "store-change", "")
	case "copy":
		w.mu.Lock()
		w.copied = maps.Clone(w.kept)
		w.mu.Unlock()
	case "older copy":
		w.killMS()
		w.mu.Lock()
		for _, s := range modelSenders {
			w.kept[s] = w.copied[s]
		}
		w.mu.Unlock()
		w.ask()
	case "ask":
		w.ask()
	case "channel lost":
		w.words = nil
		w.mu.Lock()
		w.lost++
		w.mu.Unlock()
		w.ask()
	case "as killed":
		w.killAS()
		w.ask()
	case "ms killed":
		w.killMS()
		w.ask()
	}
	synctest.Wait()
}

func (w *pairsWorld) endAtMS(s *modelSession) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.stuck {
		s.stuck = false
		w.kept[s.sender]++
	}
	s.told = true
	w.tell(s.sender, "store", s.id)
}

func (w *pairsWorld) killMS() {
	w.words = nil
	w.mu.Lock()
	w.killed++
	w.mu.Unlock()
	for _, s := range w.sessions {
		s.told, s.stuck = true, false
		if s.end != nil {
			s.end()
			s.end = nil
		}
	}
}

func (w *pairsWorld) killAS() {
	for _, s := range w.sessions {
		s.end = nil
	}
	w.words = nil
	w.s.closeOffice()
	w.start()
}

// finish has all sessions end, and the recipient be there and take everything, for some
// minutes; it returns what is not as it must be then.
func (w *pairsWorld) finish(events int) (fault string) {
	defer w.s.closeOffice()
	for _, s := range w.sessions {
		if s.end != nil {
			s.end()
		}
		if !s.told {
			w.endAtMS(s)
		}
	}
	w.hear()
	time.Sleep(time.Second)
	synctest.Wait()
	left := directoryOf(w.t, w.s)
	w.mu.Lock()
	kept := maps.Clone(w.kept)
	w.mu.Unlock()
	for _, s := range modelSenders {
		if kept[s] > 0 && !slices.ContainsFunc(left, func(e string) bool { return strings.HasPrefix(e, "sip:"+s+"@") }) {
			return fmt.Sprintf("%d messages of %s are kept, and the directory has only %q", kept[s], s, left)
		}
	}
	w.mu.Lock()
	w.outcome, w.takes = "takes", 0
	w.mu.Unlock()
	time.Sleep(time.Minute) // for what is under way, and may be refused for long
	w.presence.say(false)
	w.presence.say(true)
	time.Sleep(3 * time.Minute)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for s, n := range w.kept {
		if n > 0 {
			return fmt.Sprintf("%d messages of %s were not delivered", n, s)
		}
	}
	if left := directoryOf(w.t, w.s); len(left) > 0 || w.s.mailboxes.Len() > 0 {
		return fmt.Sprintf("nothing is kept, but the directory has %q, and there are %d mailboxes", left, w.s.mailboxes.Len())
	}
	if w.empty > 2*events+len(modelSenders) {
		return fmt.Sprintf("%d of %d calls for nothing, after %d events", w.empty, w.calls, events)
	}
	return ""
}

// pairsMeet runs events, and returns what is wrong in the end.
func pairsMeet(t *testing.T, dir string, events []modelEvent) (fault string) {
	synctest.Test(t, func(t *testing.T) {
		w := &pairsWorld{t: t, path: filepath.Join(dir, fmt.Sprintf("as%d.db", rand.Uint64())), presence: &modelPresence{}, kept: map[string]int{}, copied: map[string]int{}, outcome: "takes"}
		w.start()
		for _, e := range events {
			w.run(e)
		}
		fault = w.finish(len(events))
		os.Remove(w.path)
	})
	return fault
}

// shrink takes events out as long as the run still fails.
func shrink(t *testing.T, dir string, events []modelEvent) ([]modelEvent, string) {
	fault := ""
	for size := len(events) / 2; size > 0; {
		cut := false
		for at := 0; at+size <= len(events); {
			less := slices.Concat(events[:at], events[at+size:])
			if f := pairsMeet(t, dir, less); f != "" {
				events, fault, cut = less, f, true
			} else {
				at += size
			}
		}
		if !cut {
			size /= 2
		}
	}
	return events, fault
}

// fastDir is a directory in memory, if there is one.
func fastDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "pairs")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestPairsMeet has sessions, pushes, words, restarts, operators and presence happen in
// random orders: in the end, within three minutes and without a restart, everything that
// the media server keeps is delivered, and the application server has forgotten everybody.
// A failure is shown by its seed and by the fewest events that make it; -pairs.seed makes
// one run again, and -pairs=10m tries for longer.
func TestPairsMeet(t *testing.T) {
	if *pairsSeed != 0 {
		pairsRun(t, fastDir(t), *pairsSeed)
		return
	}
	var steps, runs atomic.Int64
	began, workers := time.Now(), uint64(runtime.GOMAXPROCS(0))
	t.Run("workers", func(t *testing.T) {
		for worker := range workers {
			t.Run(fmt.Sprint(worker), func(t *testing.T) {
				t.Parallel()
				dir := fastDir(t)
				for n := worker; n < pairsRuns || time.Since(began) < *pairsLong; n += workers {
					seed := n + 1
					if *pairsLong > 0 {
						seed = rand.Uint64()
					}
					steps.Add(int64(pairsRun(t, dir, seed)))
					runs.Add(1)
				}
			})
		}
	})
	t.Logf("%d steps in %d runs, %.0f steps a second", steps.Load(), runs.Load(), float64(steps.Load())/time.Since(began).Seconds())
}

// pairsRuns is how many runs TestPairsMeet makes without -pairs.
const pairsRuns = 600

// pairsRun makes the run of a seed, and returns how many steps it has.
func pairsRun(t *testing.T, dir string, seed uint64) (steps int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	events := make([]modelEvent, 5+r.IntN(40))
	for i := range events {
		events[i] = modelEvent{modelEvents[r.IntN(len(modelEvents))], r.IntN(6), r.IntN(1000)}
	}
	if fault := pairsMeet(t, dir, events); fault != "" {
		least, again := shrink(t, dir, events)
		if again != "" {
			fault = again
		}
		t.Fatalf("seed %d: %s, after %d events, of which these do:\n%v", seed, fault, len(events), least)
	}
	return len(events)
}
