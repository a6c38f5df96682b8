package as

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/gomscp/gomscp/as/internal/control"
	"github.com/gomscp/gomscp/internal/sdp"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// A deviceFault is a push that the recipient's device does not take, all of it or a
// part: another device may, and calling this one again changes nothing.
type deviceFault struct{ err error }

func (e *deviceFault) Error() string { return "device: " + e.err.Error() }
func (e *deviceFault) Unwrap() error { return e.err }

func isDeviceFault(err error) bool {
	var d *deviceFault
	return errors.As(err, &d)
}

// notSended is what a media server's MsgNotSended means.
func notSended(r *mscp.MsgNotSended) error {
	err := fmt.Errorf("MsgNotSended: %s", r.Reason)
	if strings.HasPrefix(r.Reason, mscp.ReasonDevice) {
		return &deviceFault{err}
	}
	return &pushFault{err: err, about: aboutSender}
}

// waitForDevice notes that a letter waits for another device, or for this one to
// register again, or has perhaps done so since the push began.
func (m *mailbox) waitForDevice(l *letter, news, comings uint64, began time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.on(l, letterEvent{kind: letterRefused, news: news, comings: comings})
	if l.waits {
		l.refused, l.again = time.Now(), time.Time{}
		if !m.word.Before(began) {
			l.again = l.refused.Add(m.s.cfg.Push.RetryMax)
		}
	}
}

// deviceTold has letters that wait for a device pushed again, as a device has perhaps
// registered. Such words count no more often than a failed push is tried again: one that
// comes sooner counts then, as no other need follow it. m.mu is held.
func (m *mailbox) deviceTold() {
	for _, l := range m.letters {
		if !l.refused.IsZero() {
			l.again = l.refused.Add(m.s.cfg.Push.RetryMax)
		}
	}
	m.deviceDue(time.Now())
}

// deviceDue has letters pushed again whose time after a word of deviceTold has come, and
// tells how long the others wait; no longer than idle. m.mu is held.
func (m *mailbox) deviceDue(now time.Time) (wait time.Duration) {
	wait = idle
	for _, l := range m.letters {
		switch d := l.again.Sub(now); {
		case l.again.IsZero():
		case d > 0:
			wait = min(wait, d)
		default:
			m.deviceCame(l)
		}
	}
	return wait
}

// deviceCame has a letter pushed to what may be another device. m.mu is held.
func (m *mailbox) deviceCame(l *letter) {
	m.on(l, letterEvent{kind: letterCame})
	l.refused, l.again = time.Time{}, time.Time{}
}

// otherTransport is the transport to ask the media server for after a user agent has
// refused its offer; "" if there is none to try. A user agent may take MSRP over TLS
// alone, or without alone, and nothing but its refusal says so.
func otherTransport(offer []byte, err error) string {
	var status *sipua.StatusError
	if !errors.As(err, &status) || status.Code != 488 && status.Code != 415 && status.Code != 606 {
		return ""
	}
	return transportBut(offer)
}

// transportBut is the transport that an offer of MSRP is not for; "" if it is no such
// offer.
func transportBut(offer []byte) string {
	for m := range sdp.MediaLines(offer) {
		switch {
		case m.Is("message", "TCP/MSRP"):
			return mscp.TransportTLS
		case m.Is("message", "TCP/TLS/MSRP"):
			return mscp.TransportTCP
		}
	}
	return ""
}

// ringOtherwise calls the recipient once more after it has refused the media server's
// offer, with one over the other transport, if the media server makes one; else it
// returns what the first call has.
func (s *Server) ringOtherwise(ctx context.Context, ms *control.MediaServer, p Pair, media *sipua.Call, refused error, session string, log *slog.Logger) (_, user *sipua.Call, err error) {
	other := otherTransport(media.RemoteBody(), refused)
	refuseMedia(ctx, media)
	if other == "" {
		return nil, nil, refused
	}
	second, err := s.inviteWithoutOffer(ctx, ms, session, log, sipua.Header{Name: mscp.HeaderTransport, Value: other})
	if err != nil {
		return nil, nil, err
	}
	if transportBut(second.RemoteBody()) == other { // it has none over that
		refuseMedia(ctx, second)
		return nil, nil, refused
	}
	log.Debug("offer refused; the other transport is tried", "transport", other, "err", refused)
	if user, err = s.ringUser(ctx, p, second.RemoteBody(), session, log); err != nil {
		refuseMedia(ctx, second)
		return nil, nil, err
	}
	return second, user, nil
}
