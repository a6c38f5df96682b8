package sipua

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emiago/sipgo/sip"
)

// newRequest makes a request of ours with the headers that all have.
func (ua *agent) newRequest(method sip.RequestMethod, uri sip.Uri, t target) *sip.Request {
	req := sip.NewRequest(method, uri)
	req.SetTransport(t.transport)
	req.SetDestination(t.addr)
	maxForwards := sip.MaxForwardsHeader(70)
	req.AppendHeader(&maxForwards)
	if ua.cfg.UserAgent != "" {
		req.AppendHeader(sip.NewHeader("User-Agent", ua.cfg.UserAgent))
	}
	return req
}

// start sends a request in a transaction of its own.
func (ua *agent) start(ctx context.Context, req *sip.Request) (sip.ClientTransaction, error) {
	conn, err := ua.connect(ctx, req)
	if err != nil {
		return nil, err
	}
	tx, err := ua.client(req.Transport()).TransactionRequest(ctx, req)
	if err != nil {
		select {
		case <-conn.broken(): // the reason: the peer has refused the connection
			err = conn.brokenBy
		default:
		}
		return nil, fmt.Errorf("%s: %w", req.Method, err)
	}
	return tx, nil
}

// write sends a request outside transactions: the ACK for a 2xx.
func (ua *agent) write(ctx context.Context, req *sip.Request) error {
	if _, err := ua.connect(ctx, req); err != nil {
		return err
	}
	return ua.client(req.Transport()).WriteRequest(req)
}

// do sends a request other than INVITE and returns its final response. It answers
// challenges if there are credentials. nextSeq returns the CSeq of each further attempt.
func (ua *agent) do(ctx context.Context, req *sip.Request, l login, nextSeq func() uint32) (*sip.Response, error) {
	var tried challenges
	for {
		res, err := ua.once(ctx, req)
		if err != nil || !isChallenge(res) {
			return res, err
		}
		next, err := ua.answerChallenge(req, res, l, &tried, nextSeq)
		if err != nil || next == nil {
			return res, err
		}
		req = next
	}
}

func (ua *agent) once(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	tx, err := ua.start(ctx, req)
	if err != nil {
		return nil, err
	}
	defer tx.Terminate()
	conn, sent, seen := streamOf(tx), time.Now(), false
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
			seen = true
		case <-conn.broken():
			return nil, fmt.Errorf("%s: %w: %w", req.Method, errNoResponse, conn.brokenBy)
		case <-tx.Done():
			return nil, noAnswer(req, sent, seen, transactionError(tx))
		case <-ctx.Done():
			return nil, noAnswer(req, sent, seen, ctx.Err())
		case <-ua.ctx.Done():
			return nil, ErrClosed
		}
	}
}

// errNoResponse says that a transaction ended without a final response.
var errNoResponse = errors.New("sipua: no response")

func transactionError(tx sip.ClientTransaction) error {
	if err := tx.Err(); err != nil {
		return fmt.Errorf("%w: %w", errNoResponse, err)
	}
	return errNoResponse
}
