package as

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

var pairsSeed = flag.Uint64("pairs.seed", 0, "the seed of the one run that TestPairsMeet makes; 0: many")

// modelPresence tells each watcher at once whether the recipient is there.
type modelPresence struct {
	mu   sync.Mutex
	open bool
	told func(word)
}

func (p *modelPresence) watch(_ context.Context, _ string, told func(word)) (func(), error) {
	p.mu.Lock()
	p.told = told
	open := p.open
	p.mu.Unlock()
	told(word{open, true})
	return func() {}, nil
}

func (p *modelPresence) say(open bool) {
	p.mu.Lock()
	p.open = open
	told := p.told
	p.mu.Unlock()
	if told != nil {
		told(word{open, true})
	}
}

// A pairsWorld has an application server, whose directory and mailboxes are real, and a
// model of a media server: how many messages it keeps of each sender, its sessions, and the
// channel that its words are on.
type pairsWorld struct {
	t        *testing.T
	path     string
	o        *postOffice
	presence *modelPresence

	mu       sync.Mutex
	kept     map[string]int
	copied   map[string]int // an older copy of the store
	outcome  string         // of pushes
	takes    time.Duration
	calls    int
	empty    int // calls for nothing
	sessions []*modelSession
	words    []mscp.Element
	broken   bool // words were lost, and no inventory was asked for since
}

type modelSession struct {
	sender, id  string
	end         func() // at the AS; nil: it knows nothing of it, or has ended it
	told, stuck bool   // at the MS: ended; a message is on its way to the disk
}

var modelSenders = []string{"a", "b", "c"}

func (w *pairsWorld) start() {
	w.presence.told = nil
	w.o = newPostOfficeAt(w.t, w.path, w.presence)
	w.o.s.dir.db.NoSync = true
	w.o.s.mailboxes.push = w.push
	if err := w.o.s.mailboxes.follow(map[string]bool{"ms1": true}, nil); err != nil {
		w.t.Fatal(err)
	}
	w.o.s.mailboxes.start()
	w.o.s.servers.list[0].tells.Store(true)
	w.o.s.servers.list[0].log = w.o.s.log
}

// push is a push session: what is there when it begins is delivered when it ends.
func (w *pairsWorld) push(ctx context.Context, p Pair) error {
	w.mu.Lock()
	sender := strings.TrimSuffix(strings.TrimPrefix(p.Sender, "sip:"), "@x")
	n, outcome, takes := w.kept[sender], w.outcome, w.takes
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
	switch outcome {
	case "away":
		return inviteFault(&sipua.StatusError{Code: 480})
	case "busy":
		return inviteFault(&sipua.StatusError{Code: 486})
	case "device":
		return &deviceFault{errors.New("415")}
	case "fails":
		return errors.New("500")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept[sender] = max(0, w.kept[sender]-n)
	return nil
}

// tell puts a MsgKept on the channel.
func (w *pairsWorld) tell(sender, session, connection string) {
	w.words = append(w.words, &mscp.Other{Space: mscp.ExtensionNamespace, Local: "MsgKept", Attrs: map[string]string{
		"from-uri": "sip:" + sender + "@x", "to-uri": testRecipient, "connection-id": connection,
		"messages": fmt.Sprint(w.kept[sender]), "session": session,
	}})
}

// hear delivers the words that are on the channel.
func (w *pairsWorld) hear() {
	w.mu.Lock()
	words := w.words
	w.words = nil
	w.mu.Unlock()
	for _, e := range words {
		w.o.s.notified(w.o.s.servers.list[0], e)
		synctest.Wait()
	}
}

// ask asks for an inventory, and has it told.
func (w *pairsWorld) ask() {
	inv := &inventory{id: fmt.Sprint("i", w.calls, len(w.words)), asked: time.Now(), pairs: map[inventoryKey]bool{}}
	w.o.s.servers.list[0].setInventory(inv)
	e := &mscp.Inventory{InventoryID: inv.id, Batch: 1, Last: true}
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
	do  string
	who int
}

var modelEvents = []string{
	"begin", "begin", "begin", "store", "store", "commit begins", "commit ends", "bye", "bye", "ms ends", "ms ends",
	"open", "open", "closed", "wait", "wait", "wait long", "hear", "hear", "hear",
	"takes", "away", "busy", "device", "fails", "slow",
	"import", "purge", "aside", "copy", "older copy", "ask", "channel lost", "as killed", "ms killed",
}

func (w *pairsWorld) run(e modelEvent) {
	sender := modelSenders[e.who%len(modelSenders)]
	s := w.session(e.who)
	switch e.do {
	case "begin":
		id := fmt.Sprintf("c%d", len(w.sessions))
		end, err := w.o.s.mailboxes.begin(Pair{Recipient: testRecipient, Sender: "sip:" + sender + "@x", Server: "ms1", Since: time.Now()}, id)
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
		s.stuck = false
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
		w.copied = map[string]int{}
		for _, s := range modelSenders {
			w.copied[s] = w.kept[s]
		}
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
	w.o.close()
	w.start()
}

// finish has all sessions end, and the recipient be there and take everything, for some
// minutes; it returns what is not as it must be then.
func (w *pairsWorld) finish(events int) (fault string) {
	defer w.o.close()
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
	left := directoryOf(w.t, w.o.s)
	for _, s := range modelSenders {
		if w.kept[s] > 0 && !slices.ContainsFunc(left, func(e string) bool { return strings.HasPrefix(e, "sip:"+s+"@") }) {
			return fmt.Sprintf("%d messages of %s are kept, and the directory has only %q", w.kept[s], s, left)
		}
	}
	w.mu.Lock()
	w.outcome, w.takes = "takes", 0
	w.mu.Unlock()
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
	if left := directoryOf(w.t, w.o.s); len(left) > 0 || w.o.s.mailboxes.len() > 0 {
		return fmt.Sprintf("nothing is kept, but the directory has %q, and there are %d mailboxes", left, w.o.s.mailboxes.len())
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

// TestPairsMeet has sessions, pushes, words, restarts, operators and presence happen in
// random orders: in the end, within three minutes and without a restart, everything that
// the media server keeps is delivered, and the application server has forgotten everybody.
// A failure is shown by its seed and by the fewest events that make it; -pairs.seed makes
// one run again, and -pairs=10m tries for longer.
func TestPairsMeet(t *testing.T) {
	dir, began := t.TempDir(), time.Now()
	seeds := uint64(150)
	for seed := uint64(1); seed <= seeds || time.Since(began) < *pairsLong; seed++ {
		use := seed
		if *pairsSeed != 0 {
			use, seeds = *pairsSeed, 1
		} else if *pairsLong > 0 {
			use = rand.Uint64()
		}
		r := rand.New(rand.NewPCG(use, 0))
		events := make([]modelEvent, 5+r.IntN(40))
		for i := range events {
			events[i] = modelEvent{modelEvents[r.IntN(len(modelEvents))], r.IntN(6)}
		}
		if fault := pairsMeet(t, dir, events); fault != "" {
			least, again := shrink(t, dir, events)
			if again != "" {
				fault = again
			}
			t.Fatalf("seed %d: %s, after %d events, of which these do:\n%v", use, fault, len(events), least)
		}
		if *pairsSeed != 0 {
			return
		}
	}
}
