package ms

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/gomscp/gomscp/ms/internal/content"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// A leg is our end of the MSRP session of a dialog: our description of it, and how a re-offer
// changes it. See RFC 4975, section 8.4.
//
// A re-offer that moves nothing keeps the session. A session is replaced by another with a URI
// of its own if it has ended, or if its peer has moved or asks for a new connection. The old
// session takes messages until the new one is bound.
type leg struct {
	port    *msrpPort
	dialog  *dialog
	handler msrp.Handler
	memory  *msrp.Budget  // of sessions that replace the first; nil: that of the port
	changed chan struct{} // of capacity 1: session is another
	ending  sync.WaitGroup

	mu          sync.Mutex
	ours        msrp.Media // as described last
	said, heard []byte     // the descriptions themselves; heard is nil if the offer was ours
	session     *msrp.Session
	before      *msrp.Session // what session replaces, until that is bound
	closed      bool
}

// newLeg makes the leg of a dialog, which media describes in said. heard is the offer that
// it answers, or nil.
func newLeg(port *msrpPort, d *dialog, media *msrp.Media, said, heard []byte, h msrp.Handler) *leg {
	return &leg{port: port, dialog: d, handler: h, changed: make(chan struct{}, 1), ours: *media, said: said, heard: heard}
}

// begin gives the leg its first session, and our role in it.
func (l *leg) begin(session *msrp.Session, setup msrp.Setup) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.session, l.ours.Setup = session, setup
}

func (l *leg) current() *msrp.Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.session
}

// close ends the session. What had arrived whole is stored and answered when it
// returns, within finishTimeout; nothing is stored from then on.
func (l *leg) close() {
	l.mu.Lock()
	l.closed = true
	session, before := l.session, l.before
	l.mu.Unlock()
	l.end(session)
	l.end(before)
	l.ending.Wait()
}

// offered answers a re-offer of the AS, or makes one that it asks for.
func (l *leg) offered(_ context.Context, o sipua.Offer) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.session == nil || l.closed:
		return nil, &sipua.StatusError{Code: 491}
	case len(o.Body) == 0:
		o.OnAnswer(func(body []byte, _ string) { l.answered(body) })
		return l.said, nil
	case bytes.Equal(o.Body, l.heard):
		return l.said, nil // [RFC4975-8.4] nothing changes, and so neither does our o= line
	}
	theirs, err := msrp.ParseSDP(o.Body)
	if err != nil {
		return nil, changeRefused(l.port.cfg.Name, err)
	}
	if theirs.TLS != l.ours.TLS && !theirs.Rejected() {
		return nil, changeRefused(l.port.cfg.Name, errOtherTransport)
	}
	if content.PullsFile(theirs) {
		return nil, changeRefused(l.port.cfg.Name, content.ErrFilePull)
	}
	next := l.ours
	next.SessionVersion++ // [RFC3264-8]
	next.Direction, next.File = answerDirection(theirs), content.AnswerFile(theirs)
	replaced := false
	switch {
	case theirs.Rejected():
		next.Port, next.Path, next.Setup = 0, nil, ""
	case l.moved(theirs):
		replaced = true
		uri := l.port.listener(l.ours.TLS).NewURI(l.port.cfg.MSRP.Host)
		next.Host, next.Port, next.Path, next.Setup = uri.Host, uri.Port, msrp.Path{uri}, theirs.Setup.Answer()
	}
	answer, err := next.Answer(o.Body)
	if err != nil {
		return nil, changeRefused(l.port.cfg.Name, err)
	}
	if replaced {
		if err := l.replace(&next, theirs); err != nil {
			return nil, &sipua.StatusError{Code: 500}
		}
	} else {
		l.take(theirs)
	}
	l.said, l.heard = answer, o.Body
	if !theirs.Rejected() { // one that is refused may be offered anew
		l.ours = next
	}
	l.ours.SessionVersion = next.SessionVersion
	l.dialog.log.Debug("session changed", "refused", theirs.Rejected(), "direction", string(theirs.Direction), "moved", replaced)
	return answer, nil
}

// answered takes the answer to an offer that the AS has asked for. Our offer repeated our last
// description.
func (l *leg) answered(body []byte) {
	theirs, err := msrp.ParseSDP(body)
	if err != nil {
		l.dialog.log.Info("answer not understood; the session stays as it is", "err", err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.take(theirs)
	}
}

// take applies the peer's description of a session that stays. l.mu is held.
func (l *leg) take(theirs *msrp.Media) {
	if theirs.Rejected() {
		l.end(l.session)
		return
	}
	l.session.SetRemote(theirs.Path)
	l.dialog.remote.hear(theirs)
}

// answerDirection is the direction that answers an offer: as much as it allows, or "", for
// both ways, if the offer has none.
func answerDirection(offer *msrp.Media) msrp.Direction {
	if offer.Direction == "" {
		return ""
	}
	return offer.Direction.Answer() // [RFC3264-6.1]
}

// moved reports whether the session must be replaced. l.mu is held.
func (l *leg) moved(theirs *msrp.Media) bool {
	select {
	case <-l.session.Done():
		return true
	default:
	}
	before := l.session.Remote()
	if len(before) == 0 {
		return false
	}
	if l.ours.Setup == msrp.SetupActive { // we have connected to where it was
		return theirs.Path.String() != before.String()
	}
	old, now := before[len(before)-1], theirs.Path[len(theirs.Path)-1]
	return old.Host != now.Host || old.Port != now.Port
}

// replace makes the session that next describes, at once or, if we connect, after that.
// l.mu is held.
func (l *leg) replace(next, theirs *msrp.Media) error {
	sc := l.port.sessionConfig(next, theirs, l.handler)
	sc.Memory = l.memory
	l.dialog.remote.hear(theirs)
	if next.Setup != msrp.SetupActive {
		session, err := l.port.listener(l.ours.TLS).Accept(sc)
		if err != nil {
			return err
		}
		l.swap(session)
		return nil
	}
	l.port.life.tasks.Go(func() {
		session, err := l.port.dial(sc)
		if err != nil {
			l.dialog.log.Info("cannot connect to the new address of the peer", "err", err)
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.closed {
			session.Close() // the peer does not know it
			return
		}
		l.swap(session)
	})
	return nil
}

// swap replaces the session. At most one former session is kept until the new one is bound.
// l.mu is held.
func (l *leg) swap(session *msrp.Session) {
	old := l.session
	select {
	case <-old.Bound():
		l.end(l.before)
		l.before = old
	default:
		l.end(old) // no peer has connected to it
	}
	l.session = session
	select {
	case l.changed <- struct{}{}:
	default:
	}
	before := l.before
	l.port.life.tasks.Go(func() {
		select {
		case <-session.Bound():
		case <-session.Done():
		}
		if before != nil {
			l.finish(before)
		}
	})
}

// end finishes a session in the background; close waits for it.
func (l *leg) end(session *msrp.Session) {
	if session != nil {
		l.ending.Go(func() { l.finish(session) })
	}
}

// finish has its own limit, as the dialog and the server may have ended.
func (l *leg) finish(session *msrp.Session) {
	ctx, cancel := context.WithTimeout(context.Background(), finishTimeout)
	defer cancel()
	if err := session.Finish(ctx); err != nil {
		l.dialog.log.Warn("session ended before all messages were answered", "err", err)
	}
}

// rest starts or stops the wait for the end of a session that is there.
func (l *leg) rest(orphan *time.Timer) {
	if l.dialog.idle() {
		orphan.Reset(l.port.cfg.Orphan)
		return
	}
	orphan.Stop()
}

// waitEnd waits for the BYE. We end a dialog ourselves, after the setting orphan, if its MSRP
// session has ended or never began, or if it is idle: an AS that was restarted will not end
// it.
func (l *leg) waitEnd(call *sipua.Call) {
	orphan := time.NewTimer(l.port.cfg.Orphan)
	defer orphan.Stop()
	for {
		session := l.current()
		bound, done := session.Bound(), session.Done()
		for again := false; !again; {
			select {
			case <-call.Done():
				return
			case <-l.port.life.draining:
				return
			case <-orphan.C:
				return
			case <-bound:
				bound = nil
				l.rest(orphan)
			case <-l.dialog.changed:
				if bound == nil && done != nil {
					l.rest(orphan)
				}
			case <-done:
				bound, done = nil, nil
				orphan.Reset(l.port.cfg.Orphan)
			case <-l.changed:
				orphan.Reset(l.port.cfg.Orphan)
				again = true
			}
		}
	}
}
