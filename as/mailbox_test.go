package as

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gomscp/gomscp/as/internal/control"
	"github.com/gomscp/gomscp/sipua"
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

// A postOffice is a server with mailboxes, a fake presence source and pushes
// that end as a test wants, in the test's time.
type postOffice struct {
	s        *Server
	presence *fakePresence
	began    time.Time
	outcomes []error       // of the pushes, the last of all that follow
	takes    time.Duration // each push

	mu     sync.Mutex
	pushes []string // "second sender"
	busy   bool
	twice  bool // two pushes at a time
}

func newPostOffice(t testing.TB) *postOffice {
	t.Helper()
	presence := &fakePresence{told: map[string]func(reachable, news bool){}}
	o := newPostOfficeAt(t, filepath.Join(t.TempDir(), "as.db"), presence)
	o.presence = presence
	o.s.mailboxes.start()
	return o
}

// newPostOfficeAt is one whose directory is at path, and whose mailboxes do nothing yet.
// defaults are read once: models begin thousands of servers in a second.
var defaults = sync.OnceValue(DefaultConfig)

func newPostOfficeAt(t testing.TB, path string, presence presenceSource) *postOffice {
	t.Helper()
	o := &postOffice{began: time.Now()}
	cfg := defaults()
	cfg.Push.Delay, cfg.Push.RetryMin, cfg.Push.RetryMax = time.Second, 10*time.Second, 40*time.Second
	s := &Server{cfg: cfg, log: slog.New(slog.DiscardHandler), metrics: newMetrics(), noting: make(chan struct{}, maxNoting)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.dir = openDirectory(t, path)
	s.dir.Immediate(true) // its delay would be in the test's time
	s.servers.Set([]*control.MediaServer{upServer("ms1")})
	s.mailboxes = newMailboxes(s)
	s.mailboxes.presence, s.mailboxes.push = presence, o.push
	o.s = s
	return o
}

func (o *postOffice) close() {
	o.s.cancel()
	o.s.tasks.Wait()
	o.s.dir.Close()
}

func (o *postOffice) push(_ context.Context, p Pair) error {
	o.mu.Lock()
	o.twice = o.twice || o.busy
	o.busy = true
	n := len(o.pushes)
	sender, _, _ := strings.Cut(strings.TrimPrefix(p.Sender, "sip:"), "@")
	o.pushes = append(o.pushes, fmt.Sprintf("%d %s", int(time.Since(o.began).Seconds()), sender))
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
	device := &deviceFault{errors.New("415")}
	away := inviteFault(&sipua.StatusError{Code: 480})
	refusal := func(code int) error { return inviteFault(&sipua.StatusError{Code: code}) }
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
		"a busy user is called for the next": {outcomes: []error{refusal(486), nil}, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}},
			want: []string{"6 alice", "6 carol", "16-19 alice"}},
		"one call declined, and the next is called": {outcomes: []error{refusal(603), nil}, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}},
			want: []string{"6 alice", "6 carol", "16-19 alice"}},
		"one sender refused, until the user registers anew": {outcomes: []error{refusal(403), nil}, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}, {60, "refreshed"}, {120, "open"}}, until: 200,
			want: []string{"6 alice", "6 carol", "121 alice"}},
		"one sender's messages not taken, the next are": {outcomes: []error{&pushFault{err: errors.New("MsgNotSended"), about: aboutSender}, nil}, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}},
			want: []string{"6 alice", "6 carol", "16-19 alice"}},
		"no MSRP there": {outcomes: []error{refusal(488)}, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}, {60, "refreshed"}, {500, "refreshed"}}, until: 3000,
			want: []string{"6 alice"}, kept: true},
		"no MSRP there, and another device": {outcomes: []error{refusal(488), nil}, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}, {60, "open"}},
			want: []string{"6 alice", "61 alice", "61 carol"}},
		"no MSRP there, and new software": {outcomes: []error{refusal(488), nil}, steps: []step{{0, "leave alice"}, {5, "open"}}, until: 5000,
			want: []string{"6 alice", "3606 alice"}},
		"no calls there": {outcomes: []error{refusal(405)}, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}, {60, "refreshed"}}, until: 3000,
			want: []string{"6 alice"}, kept: true},
		"asks for a pause": {outcomes: []error{&pushFault{err: errors.New("480"), about: aboutUser, after: 5 * time.Minute}, nil}, steps: []step{{0, "leave alice"}, {1, "leave carol"}, {5, "open"}, {60, "open"}}, until: 400,
			want: []string{"6 alice", "306 alice", "306 carol"}},
		"asks for a pause, and is back": {outcomes: []error{&pushFault{err: errors.New("480"), about: aboutUser, after: 5 * time.Minute}, nil}, steps: []step{{0, "leave alice"}, {5, "open"}, {60, "closed"}, {61, "open"}}, until: 400,
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
				o := newPostOffice(t)
				defer o.close()
				o.outcomes, o.takes = tc.outcomes, tc.takes
				if tc.tells {
					o.s.servers.All()[0].SetTells()
				}
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
				left := 0
				if err := o.s.dir.Each(func(Pair) error { left++; return nil }); err != nil || (left > 0) != tc.kept || (o.s.mailboxes.len() > 0) != tc.kept {
					t.Errorf("%d entries and %d mailboxes are left, err %v", left, o.s.mailboxes.len(), err)
				}
			})
		})
	}
}

func (o *postOffice) run(t *testing.T, steps []step) {
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
			o.s.mailboxes.note(p, letterEvent{kind: letterArrived})
		case "nothing":
			o.s.mailboxes.note(p, letterEvent{kind: letterKeptNone, connection: "connection of " + sender})
		case "begin", "leave":
			end, err := o.s.mailboxes.begin(p, "connection of "+sender)
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

func openDirectory(t testing.TB, path string) *Directory {
	t.Helper()
	d, err := OpenDirectory(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
