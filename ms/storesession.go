package ms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gomscp/gomscp/ms/internal/content"
	"github.com/gomscp/gomscp/ms/internal/memory"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/store"
)

// A storeSession keeps the messages that a caller leaves, for the pair that RestoreMsg
// names. It answers no message before.
type storeSession struct {
	intake
	ownership ownership
}

func newStoreSession(sh *shared, d *dialog) *storeSession {
	return &storeSession{intake: newIntake(sh, d), ownership: ownership{known: make(chan struct{})}}
}

// restore binds the session to its owner, and charges what it holds to the sender.
func (ss *storeSession) restore(o *owner) error {
	return ss.ownership.set(o, func() (func(), error) { return ss.memory.Assign(ss.budget, o.Sender) })
}

// pair is whose messages arrive in the session; it reports false before RestoreMsg.
func (ss *storeSession) pair() (store.Pair, bool) {
	if o := ss.ownership.owner.Load(); o != nil {
		return o.Pair, true
	}
	return store.Pair{}, false
}

// receive keeps one message. It returns, and so the last chunk gets its 200, when the
// message is on disk.
func (ss *storeSession) receive(ctx context.Context, m *msrp.Incoming) error {
	if !ss.cfg.KeepNotifications && content.IsNotification(m.ContentType) {
		return ss.drop(m)
	}
	o := ss.ownership.owner.Load()
	if o == nil {
		if err := ss.hold(ctx, ss.ownership.known); err != nil {
			return err
		}
		o = ss.ownership.owner.Load()
	}
	_, kept, err := ss.keep(ctx, m, o, ss.forgets)
	if kept {
		ss.notices.arrived(o.Pair, ss.dialog.id)
	}
	return err
}

// idle reports false: the caller uses the session.
func (ss *storeSession) idle() bool { return false }

// finish notifies the AS how many messages are kept for the pair, in MsgKept: it need not
// call anybody for none.
func (ss *storeSession) finish() {
	if p, ok := ss.pair(); ok { // without RestoreMsg it belongs to nobody
		ss.notices.arrivals.Forget(p)
		ss.notices.tellKept(p, ss.dialog.id, "store", ss.dialog.tally.storedBytes.Load())
	}
}

func (ss *storeSession) logEnd(began time.Time, err error) {
	t := &ss.dialog.tally
	p, ok := ss.pair()
	ss.dialog.logEnd("store session ended", p, ok, began, err,
		slog.Int64("messages", t.stored.Load()), slog.Int64("bytes", t.storedBytes.Load()))
}

// serveStore answers an INVITE that offers MSRP, and serves its session until the dialog
// ends.
func (s *sessions) serveStore(in *sipua.IncomingCall, ss *storeSession) error {
	offer, err := msrp.ParseSDP(in.Body)
	if err != nil {
		return notAcceptable(in, s.cfg.Name, err)
	}
	if content.PullsFile(offer) {
		return notAcceptable(in, s.cfg.Name, content.ErrFilePull)
	}
	if err := s.store.Room(); err != nil { // the AS takes another media server
		return errors.Join(err, in.Reject(503, "Store Is Full"))
	}
	held, ok := s.memory.Session()
	if !ok {
		return s.noMemory(in)
	}
	ss.budget = held
	defer ss.ownership.leave()
	defer held.Give(memory.SessionCost)
	d := ss.dialog
	d.remote.hear(offer)
	defer s.dialogs.add(d)()

	media, answer, err := s.answerTo(offer, in)
	if err != nil {
		return err
	}
	l := newLeg(s.msrp, d, media, answer, in.Body, ss.receive)
	l.memory = held
	defer l.Finish()
	in.OnOffer(l.offered)
	info := s.controls.takeParticipantInfo(in)
	defer info.close()
	sc := s.msrp.sessionConfig(media, offer, ss.receive)
	sc.Memory = held
	// A peer that is to connect may do so as soon as it has the answer.
	if media.Setup != msrp.SetupActive {
		session, err := s.msrp.listener(media.TLS).Accept(sc)
		if err != nil {
			return errors.Join(err, in.Reject(500, "Server Internal Error"))
		}
		l.begin(session, media.Setup)
	}
	call, _, err := in.Answer(s.life.ctx, answer, sdpType)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	defer endCall(call)
	info.begin(call)
	if media.Setup == msrp.SetupActive {
		session, err := s.msrp.dial(sc)
		if err != nil {
			return fmt.Errorf("connect to the caller: %w", err)
		}
		l.begin(session, media.Setup)
	}
	d.answered(call)
	l.waitEnd(call)
	l.Finish() // nothing is stored from here on
	ss.finish()
	return nil
}

// answerTo makes our end of the session that an INVITE offers, or refuses it.
func (s *sessions) answerTo(offer *msrp.Media, in *sipua.IncomingCall) (media *msrp.Media, answer []byte, err error) {
	if offer.TLS && s.msrp.secure == nil {
		return nil, nil, notAcceptable(in, s.cfg.Name, errNoSecureMSRP)
	}
	media, err = s.msrp.describe(offer.Setup.Answer(), offer.TLS)
	if err != nil {
		return nil, nil, errors.Join(err, in.Reject(500, "Server Internal Error"))
	}
	media.Direction, media.File = answerDirection(offer), content.AnswerFile(offer)
	if answer, err = media.Answer(in.Body); err != nil {
		return nil, nil, notAcceptable(in, s.cfg.Name, err)
	}
	return media, answer, nil
}
