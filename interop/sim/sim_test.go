package sim

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	long  = flag.Duration("sim", 0, "how long TestSim tries random runs; 0: a few seconds")
	seed  = flag.Uint64("sim.seed", 0, "the seed of the one run that TestSim makes, with its log; 0: many")
	logTo = flag.String("sim.log", "", "the file for the log of a run that fails, of the fewest events")
	times = flag.Int("sim.times", 1, "how often the run of -sim.seed is made")
)

// notDurable are the goroutines of a bubble that hold its time up.
func notDurable(stacks string) (list string) {
	for g := range strings.SplitSeq(stacks, "\n\n") {
		head, _, _ := strings.Cut(g, "\n")
		if strings.Contains(head, "synctest") && !strings.Contains(head, "(durable)") {
			list += g + "\n\n"
		}
	}
	return list
}

const (
	shortTime = 8 * time.Second // of TestSim without -sim
	// stuckTime is how long one run may take in real time; in virtual time it is days.
	stuckTime = 5 * time.Minute
	// patience is how long everything may take to be delivered once all works: a
	// subscription lasts 10 minutes, and a failed push is tried again after 5 at the most.
	patience = 25 * time.Minute
)

// finish heals the world, has everybody register and take everything, and tells what is
// not as it must be then.
func (w *world) finish(events int) {
	if err := w.heal(); err != nil {
		w.fail("%v", err)
		return
	}
	w.log.Info("HEALED")
	for _, c := range w.calls {
		c.op(func() { c.hangUp(false) })
	}
	for _, c := range w.calls {
		select {
		case <-c.over:
		case <-time.After(5 * time.Minute):
			w.fail("the call from %s to %s does not end", c.from, c.to)
			return
		}
	}
	time.Sleep(time.Minute) // for commits that are under way
	again := w.chance(2)
	for _, user := range users {
		if !again {
			w.register(user, false)
			synctest.Wait()
		}
		w.register(user, true) // for some, another device beside that which is there
	}
	w.blocked()
	w.mu.Lock()
	clear(w.policies)
	w.mu.Unlock()
	for _, user := range users {
		w.register(user, true)
	}
	began := time.Now()
	for len(w.waits()) > 0 || w.kept() > 0 {
		if time.Sleep(5 * time.Second); time.Since(began) > patience {
			w.fail("%d messages are kept, and after %v were not delivered; confirmed and waiting: %v", w.kept(), patience, w.waits())
			return
		}
	}
	w.log.Info("ALL DELIVERED", "after", time.Since(began))
	began = time.Now()
	for left := w.left(); left != ""; left = w.left() {
		if time.Sleep(5 * time.Second); time.Since(began) > patience {
			w.fail("nothing is kept, and after %v there is still: %s", patience, left)
			return
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.empty > 2*events+len(users) {
		w.failLocked("%d of %d calls for nothing, after %d events", w.empty, w.invites, events)
	}
}

// blocked has devices refuse what they refuse of one sender, and take the rest: the rest
// must come.
func (w *world) blocked() {
	began := time.Now()
	for {
		var others []*message
		for _, m := range w.waits() {
			w.mu.Lock()
			if w.policies[m.to+" "+m.from] == nil {
				others = append(others, m)
			}
			w.mu.Unlock()
		}
		if len(others) == 0 {
			return
		}
		if time.Sleep(5 * time.Second); time.Since(began) > patience {
			w.fail("after %v others were not delivered, while of some senders everything is refused: %v", patience, others)
			return
		}
	}
}

// left tells what there is that should not be when nothing is kept.
func (w *world) left() string {
	var left []string
	for name, n := range w.as.s.Sessions() {
		if n != 0 {
			left = append(left, fmt.Sprintf("%d sessions of %s", n, name))
		}
	}
	left = append(left, gauges(w.as.s.Registry(), "mscp_as_recipients", "mscp_as_sessions")...)
	for _, m := range w.ms {
		if st := m.s.Store().Stats(); st.Open != 0 || st.Queue != 0 {
			left = append(left, fmt.Sprintf("%d unfinished messages and %d jobs of %s", st.Open, st.Queue, m.name))
		}
		left = append(left, gauges(m.s.Registry(), "mscp_mediaserver_store_sessions", "mscp_mediaserver_push_sessions")...)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pushes) > 0 {
		left = append(left, fmt.Sprintf("%d push sessions", len(w.pushes)))
	}
	w.dropExpired()
	if len(w.subs) > 0 {
		left = append(left, fmt.Sprintf("%d subscriptions", len(w.subs)))
	}
	return strings.Join(left, ", ")
}

// gauges lists those of the named that are not zero.
func gauges(reg *prometheus.Registry, names ...string) (list []string) {
	families, err := reg.Gather()
	if err != nil {
		return []string{err.Error()}
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if v := m.GetGauge().GetValue(); v != 0 && slices.Contains(names, f.GetName()) {
				list = append(list, fmt.Sprintf("%s is %v", f.GetName(), v))
			}
		}
	}
	return list
}

// virtual logs with the time in the bubble, in seconds since its begin.
func virtual(out io.Writer) *slog.Logger {
	began := time.Now()
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 {
			return slog.String("t", fmt.Sprintf("%.3f", a.Value.Time().Sub(began).Seconds()))
		}
		return a
	}}))
}

// run makes one run, and returns what is wrong in the end; "" if nothing is. out, if it is
// not nil, gets its log.
func run(t *testing.T, seed uint64, events []event, out io.Writer) (fault string) {
	dir, err := os.MkdirTemp(fastDir(), "sim")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	defer func() {
		if p := recover(); p != nil {
			fault = fmt.Sprintf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	var where atomic.Pointer[world]
	stuck := time.AfterFunc(stuckTime, func() {
		if w := where.Load(); w != nil && w.mu.TryLock() {
			fmt.Fprintf(os.Stderr, "%d calls of the cluster, %d of them for nothing; the last at %v of virtual time, in the event that began at %v: %v\n", w.invites, w.empty, w.invitedAt, w.happened, w.now)
			w.mu.Unlock()
		}
		stacks := make([]byte, 4<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		fmt.Fprintf(os.Stderr, "seed %d: a run takes more than %v; perhaps these hold virtual time up, as they wait for a mutex:\n%s\nits events:\n%v\n", seed, stuckTime, notDurable(string(stacks)), events)
		os.Exit(2)
	})
	defer stuck.Stop()
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		if out != nil {
			log = virtual(out)
		}
		w, err := newWorld(dir, rand.New(rand.NewPCG(seed, 1)), log)
		if err != nil {
			t.Fatal(err)
		}
		where.Store(w)
		for _, e := range events {
			w.happen(e)
		}
		w.finish(len(events))
		w.close()
		fault = w.fault
	})
	return fault
}

// fastDir is a directory in memory, if there is one.
func fastDir() string {
	if st, err := os.Stat("/dev/shm"); err == nil && st.IsDir() {
		return "/dev/shm"
	}
	return ""
}

// eventsOf are the events of a seed.
func eventsOf(seed uint64) []event { return randomEvents(rand.New(rand.NewPCG(seed, 0))) }

// shrink takes events out as long as the run still fails, within a bounded number of runs.
func shrink(t *testing.T, seed uint64, events []event, fault string) ([]event, string) {
	left := 400
	for size := len(events) / 2; size > 0; {
		cut := false
		for at := 0; at+size <= len(events) && left > 0; left-- {
			less := slices.Concat(events[:at], events[at+size:])
			if f := run(t, seed, less, nil); f != "" {
				events, fault, cut = less, f, true
			} else {
				at += size
			}
		}
		if !cut || left == 0 {
			size /= 2
		}
	}
	return events, fault
}

// TestSim makes random runs. See the package's documentation.
func TestSim(t *testing.T) {
	if *seed != 0 {
		replay(t)
		return
	}
	limit, base := shortTime, uint64(1)
	if *long > 0 {
		limit, base = *long, rand.Uint64()>>20
	}
	var runs, steps atomic.Int64
	began := time.Now()
	for n := base; time.Since(began) < limit; n++ {
		events := eventsOf(n)
		if fault := run(t, n, events, nil); fault != "" {
			report(t, n, events, fault)
		}
		runs.Add(1)
		steps.Add(int64(len(events)))
	}
	t.Logf("%d runs of %d events in %v, from seed %d", runs.Load(), steps.Load(), time.Since(began).Round(time.Second), base)
}

// enoughFor stands in the report of a fault that was found and shrunk.
const enoughFor = "these are enough for"

// report shrinks what has failed, and shows it.
func report(t *testing.T, seed uint64, events []event, fault string) {
	t.Helper()
	first := fault
	least, fault := shrink(t, seed, events, fault)
	if *logTo != "" {
		var log bytes.Buffer
		for range 20 { // until it fails again
			log.Reset()
			if run(t, seed, least, &log) != "" {
				break
			}
		}
		if err := os.WriteFile(*logTo, log.Bytes(), 0o600); err != nil {
			t.Error(err)
		}
	}
	var list strings.Builder
	for _, e := range least {
		fmt.Fprintf(&list, "\t%v\n", e)
	}
	t.Fatalf("seed %d: %s\nof its %d events, %s: %s\n%s", seed, first, len(events), enoughFor, fault, list.String())
}

// replay makes the run of -sim.seed, and shows its log if it fails.
func replay(t *testing.T) {
	for range *times {
		var log bytes.Buffer
		var out io.Writer = &log
		if *logTo != "" {
			f, err := os.Create(*logTo)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			out = f
		}
		if fault := run(t, *seed, eventsOf(*seed), out); fault != "" {
			t.Fatalf("%s\n%s", log.String(), fault)
		}
		if testing.Verbose() {
			t.Log(log.String())
		}
	}
}
