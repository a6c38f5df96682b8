package mailbox

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

var lettersLong = flag.Duration("letters", 0, "more than 0: TestLetterInEveryOrder tries everything")

// TestLetterTable walks the table of letterState: each event from each belief.
func TestLetterTable(t *testing.T) {
	type want struct {
		keeps        belief
		wake, forget bool
	}
	same := func(wake ...bool) []want {
		w := append(wake, false, false, false)
		return []want{{keepsNothing, w[0], false}, {keepsPerhaps, w[1], false}, {keepsSome, w[2], false}}
	}
	all := func(b belief, wake [3]bool, forget bool) []want {
		return []want{{b, wake[0], forget}, {b, wake[1], forget}, {b, wake[2], forget}}
	}
	gone := all(keepsNothing, [3]bool{}, true)
	for name, tc := range map[string]struct {
		live, untold string // connections before
		waits        bool
		event        letterEvent
		want         []want // from nothing, perhaps, some
		left         string // untold afterwards
	}{
		"began":                     {"a", "a", false, letterEvent{kind: letterBegan, connection: "b"}, same(), "a b"},
		"cancelled, another live":   {"a b", "a b", false, letterEvent{kind: letterCancelled, connection: "b"}, same(), "a"},
		"cancelled, the only one":   {"b", "b", false, letterEvent{kind: letterCancelled, connection: "b"}, []want{{keepsNothing, false, true}, {keepsPerhaps, false, false}, {keepsSome, false, false}}, ""},
		"ended, untold":             {"a", "a", false, letterEvent{kind: letterEnded, connection: "a"}, []want{{keepsPerhaps, true, false}, {keepsPerhaps, true, false}, {keepsSome, true, false}}, "a"},
		"ended, told":               {"a", "", false, letterEvent{kind: letterEnded, connection: "a"}, []want{{keepsNothing, false, true}, {keepsPerhaps, false, false}, {keepsSome, false, false}}, ""},
		"arrived":                   {"a", "a", true, letterEvent{kind: letterArrived, connection: "a"}, all(keepsSome, [3]bool{true, true, true}, false), "a"},
		"kept some":                 {"", "a", true, letterEvent{kind: letterKept, connection: "a"}, all(keepsSome, [3]bool{true, true, true}, false), ""},
		"kept none, all told":       {"", "a", false, letterEvent{kind: letterKeptNone, connection: "a"}, gone, ""},
		"kept none, still live":     {"a", "a", false, letterEvent{kind: letterKeptNone, connection: "a"}, all(keepsNothing, [3]bool{}, false), ""},
		"kept none, another untold": {"", "a b", false, letterEvent{kind: letterKeptNone, connection: "a"}, same(), "b"},
		"kept none, another live":   {"b", "a b", false, letterEvent{kind: letterKeptNone, connection: "a"}, same(), "b"},
		"kept none, by the store":   {"", "a", false, letterEvent{kind: letterKeptNone}, same(), "a"},
		"listed":                    {"a", "a", false, letterEvent{kind: letterListed}, all(keepsSome, [3]bool{true, false, false}, false), "a"},
		"listed, waits":             {"a", "a", true, letterEvent{kind: letterListed}, all(keepsSome, [3]bool{}, false), "a"},
		"absent, live":              {"a", "a b", false, letterEvent{kind: letterAbsent}, same(), "a b"},
		"absent":                    {"", "a b", false, letterEvent{kind: letterAbsent}, gone, ""},
		"pushed":                    {"", "", false, letterEvent{kind: letterPushed, tells: true}, gone, ""},
		"pushed, untold":            {"", "a", false, letterEvent{kind: letterPushed, tells: true}, all(keepsNothing, [3]bool{}, false), "a"},
		"pushed, never told":        {"", "a", false, letterEvent{kind: letterPushed}, gone, ""},
		"pushed, live":              {"a", "a", false, letterEvent{kind: letterPushed}, all(keepsNothing, [3]bool{}, false), "a"},
		"pushed, and news":          {"a", "a", false, letterEvent{kind: letterPushed, news: 7}, same(), "a"},
		"refused":                   {"a", "a", false, letterEvent{kind: letterRefused}, all(keepsSome, [3]bool{}, false), "a"},
		"refused, and news":         {"a", "a", true, letterEvent{kind: letterRefused, news: 7}, all(keepsSome, [3]bool{true, true, true}, false), "a"},
		"refused, came":             {"a", "a", false, letterEvent{kind: letterRefused, comings: 7}, all(keepsSome, [3]bool{true, false, false}, false), "a"},
		"came, tells":               {"a", "a", true, letterEvent{kind: letterCame, tells: true}, same(false, true, true), "a"},
		"came, does not tell":       {"a", "a", false, letterEvent{kind: letterCame}, []want{{keepsPerhaps, true, false}, {keepsPerhaps, false, false}, {keepsSome, false, false}}, "a"},
		"overdue":                   {"", "a", false, letterEvent{kind: letterOverdue}, []want{{keepsNothing, false, true}, {keepsPerhaps, false, false}, {keepsSome, false, false}}, ""},
	} {
		for from, want := range tc.want {
			l := letterState{keeps: belief(from), waits: tc.waits, live: setOf(tc.live), untold: setOf(tc.untold)}
			do := l.on(tc.event)
			// A wake-up too many does no harm; one that lacks does.
			if l.keeps != want.keeps || do.forget != want.forget || do.wake != want.wake || !maps.Equal(l.untold, setOf(tc.left)) {
				t.Errorf("%s, from %v: %v, untold %v, %+v; want %+v, untold %q", name, belief(from), l.keeps, l.untold, do, want, tc.left)
			}
		}
	}
}

func setOf(names string) map[string]bool {
	set := map[string]bool{}
	for _, n := range strings.Fields(names) {
		set[n] = true
	}
	return set
}

// TestLetterBounds has very many sessions of which nothing is told: no word is believed
// to be the last then, and a push decides.
func TestLetterBounds(t *testing.T) {
	var l letterState
	for i := range 3 * maxUntold {
		c := fmt.Sprint(i)
		l.on(letterEvent{kind: letterBegan, connection: c})
		l.on(letterEvent{kind: letterEnded, connection: c})
		if len(l.untold) > maxUntold {
			t.Fatalf("%d untold sessions", len(l.untold))
		}
	}
	l.untold = map[string]bool{}
	if do := l.on(letterEvent{kind: letterKeptNone}); do.forget || l.keeps != keepsPerhaps {
		t.Errorf("forgotten, or at %v, though sessions are untold", l.keeps)
	}
	if do := l.on(letterEvent{kind: letterPushed, news: l.news}); !do.forget {
		t.Error("not forgotten after a push")
	}
}

// An orders model has two sessions of one sender, pushes, a restart of the application
// server and inventories, with a media server that counts. Its words come in their order.
type orders struct {
	tells  bool // the media server tells, and can be asked
	open   bool // it tells of first messages
	stores [2]bool

	kept     int
	session  [2]struct{ begun, stored, ended, told, mine bool } // ended: at the AS; told: at the MS
	words    []letterEvent                                      // on their way
	counted  []int                                              // of each word, for inventories: messages, or -1 for "not listed"
	letter   *letterState
	pushing  bool
	orphan   bool // the letter of the push is another one
	news     uint64
	sent     bool // the push has delivered
	pushes   int
	restarts int
	asks     int
	asked    bool // an inventory is on its way, and nothing has touched the letter since
	upToDate bool // no inventory is needed after a restart
}

func (o orders) clone() orders {
	o.words, o.counted = slices.Clone(o.words), slices.Clone(o.counted)
	if o.letter != nil {
		l := *o.letter
		l.live, l.untold = maps.Clone(l.live), maps.Clone(l.untold)
		o.letter = &l
	}
	return o
}

// key tells states apart; how many pushes there were is no difference.
func (o *orders) key() string {
	k := make([]byte, 0, 64)
	bit := func(list ...bool) {
		n := byte(0)
		for _, b := range list {
			n <<= 1
			if b {
				n |= 1
			}
		}
		k = append(k, n)
	}
	for _, s := range o.session {
		bit(s.begun, s.stored, s.ended, s.told, s.mine)
	}
	bit(o.pushing, o.orphan, o.sent, o.asked, o.upToDate, o.letter != nil)
	k = append(k, byte(o.kept), byte(o.restarts), byte(o.asks))
	if l := o.letter; l != nil {
		bit(l.live["1"], l.live["2"], l.untold["1"], l.untold["2"], o.pushing && l.news != o.news)
		k = append(k, byte(l.keeps))
	}
	for i, w := range o.words {
		k = append(k, byte(w.kind), byte(len(w.connection)), byte(o.counted[i]))
		k = append(k, w.connection...)
	}
	return string(k)
}

// on hands an event to the letter, as a mailbox does.
func (o *orders) on(e letterEvent, touches bool) {
	e.tells = o.tells
	if o.letter == nil {
		switch e.kind {
		case letterBegan, letterArrived, letterKept, letterListed:
			o.letter, o.orphan = &letterState{}, o.pushing
		default:
			return
		}
	}
	if touches {
		o.asked = false
	}
	if o.letter.on(e).forget {
		o.letter = nil
	}
}

func (o *orders) word(e letterEvent, counted int) {
	if o.tells {
		o.words, o.counted = append(o.words, e), append(o.counted, counted)
	}
}

const ordersInventory = letterEventKind(100) // a word: the inventory

// moves are what may happen next.
func (o orders) moves() map[string]func(*orders) {
	m := map[string]func(*orders){}
	for i := range o.session {
		c, s := fmt.Sprint(i+1), o.session[i]
		if !s.begun {
			m["begin "+c] = func(o *orders) {
				o.session[i].begun, o.session[i].mine = true, true
				o.on(letterEvent{kind: letterBegan, connection: c}, true)
			}
			continue
		}
		// What others' media servers store after the BYE, nobody would tell.
		if !s.ended && s.mine && (o.tells || s.told) {
			m["end "+c] = func(o *orders) {
				o.session[i].ended = true
				o.on(letterEvent{kind: letterEnded, connection: c}, true)
			}
		}
		if !s.stored && !s.told && o.stores[i] {
			m["store "+c] = func(o *orders) {
				o.session[i].stored = true
				o.kept++
				if o.open {
					o.word(letterEvent{kind: letterArrived, connection: c}, 0)
				}
			}
		}
		if !s.told && (s.stored || !o.stores[i]) {
			m["tell "+c] = func(o *orders) {
				o.session[i].told = true
				kind := letterKept
				if o.kept == 0 {
					kind = letterKeptNone
				}
				o.word(letterEvent{kind: kind, connection: c}, 0)
			}
		}
	}
	if len(o.words) > 0 {
		m["hear"] = func(o *orders) { o.hear() }
	}
	if o.letter != nil && o.letter.wanted() && !o.pushing {
		m["push"] = func(o *orders) {
			o.pushing, o.orphan, o.sent, o.news = true, false, false, o.letter.news
			o.pushes++
		}
	}
	if o.pushing && !o.sent {
		m["deliver"] = func(o *orders) { o.sent, o.kept = true, 0 }
	}
	if o.pushing && o.sent {
		m["pushed"] = func(o *orders) {
			o.pushing = false
			if !o.orphan {
				o.on(letterEvent{kind: letterPushed, news: o.news}, false)
			}
		}
	}
	if o.restarts == 0 {
		m["restart"] = func(o *orders) { o.restart() }
	}
	if o.tells && (o.asks == 0 || !o.upToDate) {
		m["ask"] = func(o *orders) {
			o.asks++
			o.asked, o.upToDate = true, true
			n := -1
			for _, s := range o.session {
				if s.begun && !s.told {
					n = 0
				}
			}
			if o.kept > 0 {
				n = o.kept
			}
			o.word(letterEvent{kind: ordersInventory}, n)
		}
	}
	return m
}

func (o *orders) hear() {
	e, n := o.words[0], o.counted[0]
	o.words, o.counted = o.words[1:], o.counted[1:]
	switch {
	case e.kind != ordersInventory:
		o.on(e, true)
	case n > 0:
		o.on(letterEvent{kind: letterListed}, true)
	case n < 0 && o.asked:
		o.on(letterEvent{kind: letterAbsent}, false)
	}
}

// restart kills the application server: words on their way are lost, its sessions go on
// without it, and a push that is under way is not heard of.
func (o *orders) restart() {
	o.restarts++
	o.words, o.counted, o.asked, o.pushing, o.upToDate = nil, nil, false, false, !o.tells
	for i := range o.session {
		if s := &o.session[i]; s.begun && s.mine {
			s.mine = false
			if !o.tells {
				s.ended, s.told, s.stored = true, true, true // nobody would hear of more
			}
		}
	}
	if o.letter != nil {
		o.letter = &letterState{keeps: keepsPerhaps}
	}
}

// maxOrdersPushes bounds the calls to the recipient: one for each end of a session, each
// first message, each number told, the restart, each of two inventories, and each session
// that is open when the recipient comes.
const maxOrdersPushes = 12

// TestLetterInEveryOrder goes through all orders of two sessions, pushes, a restart and
// inventories: whatever is kept in the end is to be pushed, what is not is forgotten, and
// nobody is called more often than there was reason to.
func TestLetterInEveryOrder(t *testing.T) {
	starts := []orders{
		{tells: true, open: true, stores: [2]bool{true, false}, upToDate: true},
		{tells: true, stores: [2]bool{true, false}, upToDate: true},
		{tells: true, stores: [2]bool{false, false}, upToDate: true},
		{stores: [2]bool{true, false}, upToDate: true},
		{stores: [2]bool{true, true}, upToDate: true},
	}
	if *lettersLong > 0 {
		starts = append(starts, orders{tells: true, open: true, stores: [2]bool{true, true}, upToDate: true})
	}
	for _, start := range starts {
		seen, ends := map[string]bool{}, 0
		var walk func(o orders, trace []string)
		walk = func(o orders, trace []string) {
			if k := o.key(); seen[k] || t.Failed() {
				return
			} else {
				seen[k] = true
			}
			if o.pushes > maxOrdersPushes {
				t.Errorf("%v: %d calls", trace, o.pushes)
			}
			if o.restarts == 0 && o.kept > 0 && o.letter == nil {
				// A word that is on its way may be lost, with the server.
				t.Errorf("tells %v, %v: %v: forgotten while a message is kept", start.tells, start.stores, trace)
			}
			moves := o.moves()
			rest := false
			for name, move := range moves {
				next := o.clone()
				move(&next)
				walk(next, append(trace, name))
				if name != "restart" && name != "push" && name != "ask" {
					rest = true
				}
			}
			if rest || !o.upToDate {
				return
			}
			ends++
			if fault := o.settle(); fault != "" {
				t.Errorf("tells %v, %v: %v: %s", start.tells, start.stores, trace, fault)
			}
		}
		walk(start, nil)
		if ends == 0 {
			t.Error("nothing ends")
		}
		t.Logf("tells %v, open %v, %v: %d states, %d ends", start.tells, start.open, start.stores, len(seen), ends)
	}
}

// settle goes on until nothing happens any more, and returns what is wrong.
func (o orders) settle() (fault string) {
	o = o.clone()
	if o.kept > 0 && (o.letter == nil || !o.letter.wanted()) {
		return fmt.Sprintf("%d messages are kept, and nothing is to be pushed", o.kept)
	}
	for o.letter != nil && o.letter.wanted() {
		if o.pushes++; o.pushes > maxOrdersPushes {
			return fmt.Sprintf("%d calls", o.pushes)
		}
		o.kept = 0
		o.on(letterEvent{kind: letterPushed, news: o.letter.news}, false)
	}
	o.on(letterEvent{kind: letterOverdue}, false)
	if o.letter != nil {
		return fmt.Sprintf("nothing is kept, and the letter stays: %+v", *o.letter)
	}
	return ""
}
