package mailbox

import "time"

// A ReportKind is what a media server reports about the messages of a pair.
type ReportKind int

// The kinds of reports.
const (
	Arrived  ReportKind = iota // a message has arrived in a session that goes on
	Kept                       // it keeps messages, after a session
	KeptNone                   // it keeps none, after a session
)

// A Report is a media server's report about a pair. Connection names the session that it is
// about; "" is none of ours.
type Report struct {
	Kind       ReportKind
	Connection string
}

func (r Report) event() letterEvent {
	e := letterEvent{connection: r.Connection}
	switch r.Kind {
	case Arrived:
		e.kind = letterArrived
	case Kept:
		e.kind = letterKept
	case KeptNone:
		e.kind = letterKeptNone
	}
	return e
}

// Report hands a media server's report to the letter of p, and reports whether there is
// one. It does not wait for the disk. Reports count in the order of the calls.
func (ms *Mailboxes) Report(p Pair, r Report) (known bool) {
	m := ms.find(p.Recipient)
	if m == nil {
		return false
	}
	known, sweep := m.note(p, r.event())
	if sweep {
		ms.cfg.Go(func() { m.sweep() })
	}
	return known
}

// Add is Report, but makes the letter of p, and its entry in the directory, if there is none.
// It is exempt from the limit of recipients: the messages are there already.
func (ms *Mailboxes) Add(p Pair, r Report) error { return ms.found(p, r.event(), false) }

// Listed is Add for what the media server's inventory has.
func (ms *Mailboxes) Listed(p Pair) error {
	return ms.found(p, letterEvent{kind: letterListed}, false)
}

// Reconcile forgets the entries of a media server that its inventory has not, and returns
// how many. What has changed since the inventory was asked for stays.
func (ms *Mailboxes) Reconcile(server string, asked time.Time, has func(recipient, sender string) bool) (removed int) {
	for _, m := range ms.all() {
		removed += m.reconcile(server, asked, has)
	}
	return removed
}

// found hands an event to the letter of p, which it makes if there is none. Loading says
// that the directory had the entry when it was read.
func (ms *Mailboxes) found(p Pair, e letterEvent, loading bool) error {
	for {
		m := ms.get(p.Recipient, true)
		ok, err := m.add(p, e, loading)
		m.release()
		if ok {
			return err
		}
		ms.remove(m)
	}
}
