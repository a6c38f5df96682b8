package as

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"

	"github.com/gomscp/gomscp/as/internal/control"
	"github.com/gomscp/gomscp/sipua"
)

// A bridge carries changes of the session between two legs: what one offers goes to
// the other, and its answer back. See RFC 3264, section 8.
type bridge struct {
	*legs
	log    *slog.Logger
	ms     *control.MediaServer // one side; set before either can offer anything
	offers sync.Mutex           // held while an offer is carried
}

// errPending has the other side try again. See RFC 3261, section 14.2.
var errPending = &sipua.StatusError{Code: 491}

// carry offers to one leg what the other has offered. One offer is under way at a
// time: if one of each leg waited for the other, neither would come through.
func (b *bridge) carry(ctx context.Context, o sipua.Offer, to *sipua.Call) (answer []byte, err error) {
	if !b.offers.TryLock() {
		return nil, errPending
	}
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	if len(o.Body) == 0 {
		return b.carryBack(ctx, o, to) // it unlocks
	}
	defer b.offers.Unlock()
	method := "INVITE"
	if to.PeerTakesUpdate() {
		method = o.Method
	}
	answer, err = to.Relay(ctx, method, o.Body, o.ContentType)
	if err != nil {
		return nil, b.changeRefused(o, err)
	}
	b.log.Debug("session changed", "method", o.Method)
	return answer, nil
}

// carryBack asks one leg for the offer that the other has asked us for. The answer
// goes from the one's ACK into ours. See RFC 3725, section 4.1.
func (b *bridge) carryBack(ctx context.Context, o sipua.Offer, to *sipua.Call) ([]byte, error) {
	offer, answer, err := to.AskOffer(ctx)
	if err != nil {
		b.offers.Unlock()
		return nil, b.changeRefused(o, err)
	}
	o.OnAnswer(func(body []byte, contentType string) {
		b.offers.Unlock() // the leg itself takes no other change before its answer
		if len(body) == 0 {
			contentType = sdpType
			body, _ = refuseOffer(offer) // none came, but there must be one
		}
		if err := answer(b.ctx, body, contentType); err != nil {
			b.log.Info("answer not carried on", "err", err)
		}
	})
	return offer, nil
}

// changeRefused is what the side that has offered a change hears: the other's own
// refusal with its warnings, which become ours, or that there was none.
func (b *bridge) changeRefused(o sipua.Offer, err error) error {
	var status *sipua.StatusError
	if !errors.As(err, &status) || aboutLeg(status.Code) {
		b.log.Info("change of the session not carried through", "method", o.Method, "err", err)
		return &sipua.StatusError{Code: 504}
	}
	headers, texts := b.ownWarnings(status, b.ms.URI())
	b.log.Info("change of the session not carried through", "method", o.Method, "err", err, "warnings", strings.Join(texts, "; "))
	if status.Code == 415 {
		headers = append(headers, sipua.Header{Name: "Accept", Value: sdpType}) // [RFC3261-21.4.13]
	}
	return &sipua.StatusError{Code: status.Code, Reason: status.Reason, Headers: headers}
}

// aboutLeg tells a code that is about the leg to the other side only: the dialog, our
// credentials, our extensions, or our session timer. Its headers would be needed to do
// anything about it.
func aboutLeg(code int) bool {
	switch code {
	case 401, 407, 408, 420, 421, 422, 481, 494:
		return true
	}
	return code < 400
}
