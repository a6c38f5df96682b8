package mailbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const testRecipient = "sip:bob@example.com"

// A fakePresence is told by a test what it tells.
type fakePresence struct {
	mu   sync.Mutex
	told map[string]func(reachable, news bool)
}

func (f *fakePresence) Watch(_ context.Context, recipient string, told func(reachable, news bool)) (func(), error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told[recipient] = told
	return func() {}, nil
}

func (f *fakePresence) say(reachable, news bool) {
	f.mu.Lock()
	told := f.told[testRecipient]
	f.mu.Unlock()
	if told != nil {
		told(reachable, news)
	}
}

// A fakeDirectory holds the entries in memory. Each change takes some time.
type fakeDirectory struct {
	takes time.Duration
	read  func(Pair) // called when an entry has been read; nil: nothing

	mu      sync.Mutex
	entries map[[3]string]Pair
	changes int   // under way
	most    int   // changes at a time
	err     error // of the next changes
}

func keyOf(p Pair) [3]string { return [3]string{p.Recipient, p.Sender, p.Server} }

func (d *fakeDirectory) change(do func()) error {
	d.mu.Lock()
	d.changes++
	d.most = max(d.most, d.changes)
	d.mu.Unlock()
	time.Sleep(d.takes)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changes--
	if d.err == nil {
		do()
	}
	return d.err
}

func (d *fakeDirectory) Add(p Pair) error    { return d.change(func() { d.entries[keyOf(p)] = p }) }
func (d *fakeDirectory) Remove(p Pair) error { return d.change(func() { delete(d.entries, keyOf(p)) }) }

func (d *fakeDirectory) EachInPages(f func(Pair) error) error {
	for _, p := range d.all() {
		if d.read != nil {
			d.read(p)
		}
		if err := f(p); err != nil {
			return err
		}
	}
	return nil
}

// all are the entries, ordered by recipient.
func (d *fakeDirectory) all() []Pair {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.SortedFunc(maps.Values(d.entries), func(a, b Pair) int {
		return cmp.Or(cmp.Compare(a.Recipient, b.Recipient), cmp.Compare(a.Sender, b.Sender), cmp.Compare(a.Server, b.Server))
	})
}

// An office has mailboxes, a fake presence source and directory, and pushes that end as a
// test wants, in the test's time.
type office struct {
	boxes    *Mailboxes
	dir      *fakeDirectory
	presence *fakePresence
	began    time.Time
	outcomes []error       // of the pushes, the last of all that follow
	takes    time.Duration // each push
	cancel   context.CancelFunc
	tasks    sync.WaitGroup

	mu      sync.Mutex
	servers map[string]MediaServer
	pushes  []string // "second sender"
	before  []string // with what the push before had failed, of each
	busy    bool
	twice   bool // two pushes at a time
}

func newOffice(t testing.TB) *office {
	t.Helper()
	o := &office{
		began: time.Now(), presence: &fakePresence{told: map[string]func(reachable, news bool){}}, dir: &fakeDirectory{entries: map[[3]string]Pair{}},
		servers: map[string]MediaServer{"ms1": {Configured: true, Up: true, Since: time.Now()}},
	}
	o.boxes = New(Config{
		Directory: o.dir, Presence: o.presence, Pusher: o,
		Delay: time.Second, RetryMin: 10 * time.Second, RetryMax: 40 * time.Second, MaxRecipients: 1000,
		Go: func(f func()) bool { o.tasks.Go(f); return true }, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	o.cancel = cancel
	o.boxes.Start(ctx)
	return o
}

func (o *office) close() {
	o.cancel()
	o.tasks.Wait()
}

func (o *office) MediaServer(name string) MediaServer {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.servers[name]
}

// serve adds media servers, or takes them out of the configuration.
func (o *office) serve(on bool, names ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, n := range names {
		o.servers[n] = MediaServer{Configured: on, Up: on, Since: time.Now()}
	}
}

func (o *office) Push(_ context.Context, p Pair, before string) error {
	o.mu.Lock()
	o.twice = o.twice || o.busy
	o.busy = true
	n := len(o.pushes)
	sender, _, _ := strings.Cut(strings.TrimPrefix(p.Sender, "sip:"), "@")
	o.pushes = append(o.pushes, fmt.Sprintf("%d %s", int(time.Since(o.began).Seconds()), sender))
	o.before = append(o.before, before)
	var err error
	if len(o.outcomes) > 0 {
		err = o.outcomes[min(n, len(o.outcomes)-1)]
	}
	o.mu.Unlock()
	time.Sleep(o.takes)
	o.mu.Lock()
	o.busy = false
	o.mu.Unlock()
	return err
}

// A step is something that happens at a second of a test.
type step struct {
	at int
	do string // open, refreshed or closed; leave, begin, arrive, nothing or end of a sender
}

// TestMailbox tells of a recipient in every way that presence may, and checks
// when calls are made. The delay is 1 s, the pauses are 10 s to 40 s and up to a
// third more.
func TestMailbox(t *testing.T) {
	fault := func(about Scope, never bool) error { return &Fault{Err: errors.New("no"), About: about, Never: never} }
	device, away := fault(AboutDevice, false), fault(AboutUser, false)
	for name, tc := range map[string]struct {
		outcomes []error
		takes    time.Duration
		steps    []step
		until    int
		want     []string // "second sender", or "first-last sender"
		kept     bool     // something is left in the end
		tells    bool     // the media server tells of first messages
	}{
		"comes after the message":         {steps: []step{{0, "leave alice"}, {5, "open"}}, want: []string{"6 alice"}},
		"is there when it is left":        {steps: []step{{0, "begin alice"}, {1, "open"}, {5, "end alice"}}, want: []string{"2 alice", "5 alice"}},
		"nothing left yet":                {tells: true, steps: []step{{0, "begin alice"}, {1, "open"}, {20, "end alice"}, {20, "nothing alice"}}},
		"left while there":                {tells: true, steps: []step{{0, "begin alice"}, {1, "open"}, {9, "arrive alice"}, {15, "arrive alice"}, {20, "end alice"}, {20, "nothing alice"}}, want: []string{"9 alice", "15 alice"}},
		"left, not told of":               {tells: true, steps: []step{{0, "begin alice"}, {1, "open"}, {20, "end alice"}}, want: []string{"21 alice"}},
		"left before, in an open session": {tells: true, steps: []step{{0, "begin alice"}, {1, "arrive alice"}, {5, "open"}, {20, "end alice"}, {20, "nothing alice"}}, want: []string{"6 alice"}},
		"arrives during a push":           {tells: true, takes: 10 * time.Second, steps: []step{{0, "begin alice"}, {1, "arrive alice"}, {5, "open"}, {9, "arrive alice"}, {30, "end alice"}, {30, "nothing alice"}}, want: []string{"6 alice", "16 alice"}},
		"never comes":                     {steps: []step{{0, "leave alice"}, {5, "closed"}, {6, "closed"}}, kept: true},
		"duplicates":                      {takes: 3 * time.Second, steps: []step{{0, "leave alice"}, {5, "open"}, {5, "open"}, {6, "open"}, {7, "open"}}, want: []string{"6 alice"}},
		"gone before the call":            {steps: []step{{0, "leave alice"}, {5, "open"}, {5, "closed"}}, kept: true},
		"gone before the call, and back":  {steps: []step{{0, "leave alice"}, {5, "open"}, {5, "closed"}, {9, "open"}}, want: []string{"10 alice"}},
		"out of order":                    {steps: []step{{0, "leave alice"}, {5, "closed"}, {5, "open"}}, want: []string{"6 alice"}},
		"gone when the call arrives":      {outcomes: []error{away}, steps: []step{{0, "leave alice"}, {5, "open"}, {7, "closed"}}, want: []string{"6 alice"}, kept: true},
		"refuses, and stays": {outcomes: []error{away}, steps: []step{{0, "leave alice"}, {5, "open"}}, until: 150,
			want: []string{"6 alice", "16-19 alice", "36-46 alice", "76-100 alice", "116-153 alice"}, kept: true},
		"refuses once": {outcomes: []error{away, nil}, steps: []step{{0, "leave alice"}, {5, "open"}}, want: []string{"6 alice", "16-19 alice"}},
		"another device, after refusals": {outcomes: []error{away, away, nil}, steps: []step{{0, "leave alice"}, {5, "open"}, {33, "open"}},
			want: []string{"6 alice", "16-19 alice", "34 alice"}},
		"another device at once": {outcomes: []error{away, nil}, steps: []step{{0, "leave alice"}, {5, "open"}, {7, "open"}}, want: []string{"6 alice", "16 alice"}},
		"flood of open": {outcomes: []error{away}, until: 40, steps: []step{{0, "leave alice"}, {5, "open"}, {7, "open"}, {8, "open"}, {9, "open"}, {17, "open"}, {18, "open"}, {28, "open"}},
			want: []string{"6 alice", "16 alice", "26 alice", "36 alice"}, kept: true},
		"away and back resets the pauses": {outcomes: []error{away, away, away, nil}, steps: []step{{0, "leave alice"}, {5, "open"}, {22, "closed"}, {23, "open"}},
			want: []string{"6 alice", "16-19 alice", "24 alice", "34-37 alice"}},
		"two senders, one at a time": {takes: 20 * time.Second, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}}, want: []string{"6 alice", "26 carol"}},
		"refused for one, not called for the next": {outcomes: []error{away, nil}, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}},
			want: []string{"6 alice", "16-19 alice", "16-19 carol"}},
		"media server fails for one, the next is called": {outcomes: []error{errors.New("500"), nil}, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}},
			want: []string{"6 alice", "6 carol", "16-19 alice"}},
		"a busy user is called for the next": {outcomes: []error{fault(AboutSender, false), nil}, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}},
			want: []string{"6 alice", "6 carol", "16-19 alice"}},
		"one call declined, and the next is called": {outcomes: []error{fault(AboutSender, false), nil}, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}},
			want: []string{"6 alice", "6 carol", "16-19 alice"}},
		"one sender refused, until the user registers anew": {outcomes: []error{fault(AboutSender, true), nil}, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}, {60, "refreshed"}, {120, "open"}}, until: 200,
			want: []string{"6 alice", "6 carol", "121 alice"}},
		"one sender's messages not taken, the next are": {outcomes: []error{fault(AboutSender, false), nil}, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}},
			want: []string{"6 alice", "6 carol", "16-19 alice"}},
		"no MSRP there": {outcomes: []error{fault(AboutOffer, true)}, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}, {60, "refreshed"}, {500, "refreshed"}}, until: 3000,
			want: []string{"6 alice"}, kept: true},
		"no MSRP there, and another device": {outcomes: []error{fault(AboutOffer, true), nil}, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}, {60, "open"}},
			want: []string{"6 alice", "61 alice", "61 carol"}},
		"no MSRP there, and new software": {outcomes: []error{fault(AboutOffer, true), nil}, steps: []step{{0, "leave alice"}, {5, "open"}}, until: 5000,
			want: []string{"6 alice", "3606 alice"}},
		"no calls there": {outcomes: []error{fault(AboutUser, true)}, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}, {60, "refreshed"}}, until: 3000,
			want: []string{"6 alice"}, kept: true},
		"asks for a pause": {outcomes: []error{&Fault{Err: errors.New("480"), About: AboutUser, After: 5 * time.Minute}, nil}, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}, {60, "open"}}, until: 400,
			want: []string{"6 alice", "306 alice", "306 carol"}},
		"asks for a pause, and is back": {outcomes: []error{&Fault{Err: errors.New("480"), About: AboutUser, After: 5 * time.Minute}, nil}, steps: []step{{0, "leave alice"}, {5, "open"}, {60, "closed"}, {61, "open"}}, until: 400,
			want: []string{"6 alice", "62 alice"}},
		"a refresh is no news": {outcomes: []error{away, away, nil}, steps: []step{{0, "leave alice"}, {5, "open"}, {33, "refreshed"}},
			want: []string{"6 alice", "16-19 alice", "36-46 alice"}},
		"left during a push": {takes: 10 * time.Second, steps: []step{{0, "leave alice"}, {5, "open"}, {8, "leave alice"}, {9, "leave carol"}},
			want: []string{"6 alice", "16 alice", "26 carol"}},
		"device takes a part, and stays": {outcomes: []error{device}, steps: []step{{0, "leave alice"}, {5, "open"}, {7, "open"}, {20, "open"}}, until: 400,
			want: []string{"6 alice", "46 alice"}, kept: true},
		"device takes a part, another comes at once": {outcomes: []error{device, nil}, steps: []step{{0, "leave alice"}, {5, "open"}, {7, "open"}},
			want: []string{"6 alice", "46 alice"}},
		"device takes a part, another comes meanwhile": {outcomes: []error{device, nil}, takes: 10 * time.Second, steps: []step{{0, "leave alice"}, {5, "open"}, {8, "open"}},
			want: []string{"6 alice", "56 alice"}},
		"device takes a part, another comes":   {outcomes: []error{device, nil}, steps: []step{{0, "leave alice"}, {5, "open"}, {60, "open"}}, want: []string{"6 alice", "60 alice"}},
		"device takes a part, away and back":   {outcomes: []error{device, nil}, steps: []step{{0, "leave alice"}, {5, "open"}, {20, "closed"}, {25, "open"}}, want: []string{"6 alice", "26 alice"}},
		"device takes a part, more is left":    {outcomes: []error{device, nil}, steps: []step{{0, "leave alice"}, {5, "open"}, {30, "leave alice"}}, want: []string{"6 alice", "30 alice"}},
		"device takes a part, others are next": {outcomes: []error{device, nil}, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}}, want: []string{"6 alice", "6 carol"}, kept: true},
		"session goes on after its push":       {steps: []step{{0, "leave alice"}, {1, "begin alice"}, {5, "open"}, {50, "end alice"}}, want: []string{"6 alice", "50 alice"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t)
				defer o.close()
				o.outcomes, o.takes = tc.outcomes, tc.takes
				o.servers["ms1"] = MediaServer{Configured: true, Up: true, Since: time.Now(), Tells: tc.tells}
				o.run(t, tc.steps)
				until := max(tc.until, 130)
				if tc.until > 0 {
					until = tc.until
				}
				time.Sleep(time.Duration(until)*time.Second - time.Since(o.began))
				synctest.Wait()
				o.mu.Lock()
				defer o.mu.Unlock()
				if !samePushes(o.pushes, tc.want, until) {
					t.Errorf("pushes at %q, want %q", o.pushes, tc.want)
				}
				if o.twice {
					t.Error("two pushes at a time")
				}
				if left := len(o.dir.all()); (left > 0) != tc.kept || (o.boxes.Len() > 0) != tc.kept {
					t.Errorf("%d entries and %d mailboxes are left", left, o.boxes.Len())
				}
			})
		})
	}
}

func (o *office) run(t *testing.T, steps []step) {
	t.Helper()
	ends := map[string]func(){}
	for _, st := range steps {
		time.Sleep(time.Duration(st.at)*time.Second - time.Since(o.began))
		synctest.Wait()
		what, sender, _ := strings.Cut(st.do, " ")
		p := Pair{Recipient: testRecipient, Sender: "sip:" + sender + "@example.com", Server: "ms1", Since: time.Now()}
		switch what {
		case "open", "closed":
			o.presence.say(what == "open", true)
		case "refreshed": // the same word, as the answer to a refresh
			o.presence.say(true, false)
		case "arrive":
			o.boxes.Report(p, Report{Kind: Arrived})
		case "nothing":
			o.boxes.Report(p, Report{Kind: KeptNone, Connection: "connection of " + sender})
		case "begin", "leave":
			end, err := o.boxes.Begin(p, "connection of "+sender)
			if err != nil {
				t.Fatal(err)
			}
			if ends[sender] = end; what == "leave" {
				end()
			}
		case "end":
			ends[sender]()
		}
		synctest.Wait()
	}
}

// samePushes compares pushes with what is wanted; a last one that need not have
// come yet may lack.
func samePushes(got, want []string, until int) bool {
	for i, w := range want {
		when, sender, _ := strings.Cut(w, " ")
		first, last := 0, 0
		if n, _ := fmt.Sscanf(when, "%d-%d", &first, &last); n == 1 {
			last = first
		}
		if i >= len(got) {
			return last >= until && i == len(want)-1
		}
		at, who := 0, ""
		_, _ = fmt.Sscanf(got[i], "%d %s", &at, &who)
		if at < first || at > last || who != sender {
			return false
		}
	}
	return len(got) == len(want)
}

// TestPushKnowsTheLastFailure has a device refuse in the same way again and again: each push
// is told the text of the failure before, so that it is logged once.
func TestPushKnowsTheLastFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		defer o.close()
		away := &Fault{Err: errors.New("INVITE: 480 Away"), About: AboutUser}
		o.outcomes = []error{fmt.Errorf("push: %w", away), away, nil}
		o.run(t, []step{{0, "leave alice"}, {5, "open"}})
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		o.mu.Lock()
		defer o.mu.Unlock()
		if want := []string{"", "push: recipient: INVITE: 480 Away", "recipient: INVITE: 480 Away"}; !slices.Equal(o.before, want) {
			t.Errorf("told %q, want %q", o.before, want)
		}
	})
}

// TestEntriesAreWrittenSideBySide has ten senders call one recipient at a time, on a disk
// that is slow: none waits for the others, and each entry is written once.
func TestEntriesAreWrittenSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		defer o.close()
		o.dir.takes = time.Second
		for n := range 10 {
			for range 2 {
				o.tasks.Go(func() {
					p := Pair{Recipient: testRecipient, Sender: fmt.Sprintf("sip:s%d@example.com", n), Server: "ms1"}
					if _, err := o.boxes.Begin(p, fmt.Sprint(n)); err != nil {
						t.Error(err)
					}
				})
			}
		}
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		o.dir.mu.Lock()
		defer o.dir.mu.Unlock()
		if o.dir.most != 10 || o.dir.changes != 0 || len(o.dir.entries) != 10 {
			t.Errorf("%d changes at a time, %d under way, %d entries", o.dir.most, o.dir.changes, len(o.dir.entries))
		}
	})
}

// TestEntryComesBackWhileItIsRemoved has a sender call while the entry of the call before is
// being removed: in the end the entry is on disk.
func TestEntryComesBackWhileItIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		defer o.close()
		o.serve(true, "ms1")
		o.dir.takes = time.Second
		p := Pair{Recipient: testRecipient, Sender: "sip:alice@example.com", Server: "ms1"}
		if _, err := o.boxes.Begin(p, "a"); err != nil {
			t.Fatal(err)
		}
		o.tasks.Go(func() { o.boxes.Cancel(p, "a") })
		synctest.Wait() // the removal is under way
		end, err := o.boxes.Begin(p, "b")
		if err != nil {
			t.Fatal(err)
		}
		end()
		o.presence.say(true, true)
		synctest.Wait()
		if left := o.dir.all(); len(left) != 1 || o.boxes.Len() != 1 {
			t.Errorf("%d entries, %d mailboxes", len(left), o.boxes.Len())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if left := o.dir.all(); len(left) != 0 || len(o.pushes) != 1 {
			t.Errorf("%d entries after %d pushes", len(left), len(o.pushes))
		}
	})
}
