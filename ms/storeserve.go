package ms

import (
	"errors"
	"fmt"

	"github.com/gomscp/gomscp/ms/internal/content"
	"github.com/gomscp/gomscp/ms/internal/memory"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

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
	defer l.close()
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
	defer call.End(byeTimeout)
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
	l.close() // nothing is stored from here on
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
