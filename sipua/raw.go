package sipua

import (
	"context"
	"net"
	"strconv"

	"github.com/emiago/sipgo/sip"
)

// Transact sends a prepared request to its destination in a new transaction. It adds a
// Via if there is none.
func (ua *UA) Transact(ctx context.Context, req *sip.Request) (sip.ClientTransaction, error) {
	return ua.start(ctx, req)
}

// Send sends a prepared request without a transaction, as a proxy does with the ACK for a
// 2xx.
func (ua *UA) Send(ctx context.Context, req *sip.Request) error { return ua.write(ctx, req) }

// Do sends a prepared request other than INVITE and returns its final response. It
// answers challenges with Config.Credentials.
func (ua *UA) Do(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	if ua.cfg.Credentials == nil {
		return ua.once(ctx, req)
	}
	return ua.do(ctx, req, login{}, func() uint32 { return req.CSeq().SeqNo + 1 })
}

// RespondOnce answers a request with a final response that is not retransmitted. It is
// for challenges and for refusals of requests whose source address may be forged: a
// transaction would send the response to an INVITE over UDP eleven times. A repeated
// request is answered again. See RFC 3261, section 26.3.2.4.
func (ua *UA) RespondOnce(req *sip.Request, tx sip.ServerTransaction, res *sip.Response) {
	if !req.IsInvite() || req.Transport() != "UDP" { // nothing else is retransmitted
		ua.send(tx, res)
		return
	}
	if err := ua.sipgo.TransportLayer().WriteMsg(res); err != nil { // [RFC3261-26.3.2.4]
		ua.log.Debug("SIP response not sent", "code", res.StatusCode, "err", err)
	}
	tx.Terminate()
}

// Ping sends OPTIONS to a destination, as of InviteRequest, and returns nil if it answers
// with any code. from is the URI of From. The transaction ends with ctx or after 32 s.
// See RFC 3261, section 11.
func (ua *UA) Ping(ctx context.Context, destination, from string) error {
	t, err := parseDestination(destination)
	if err != nil {
		return err
	}
	f, err := parseFrom(from)
	if err != nil {
		return err
	}
	f.Params.Add("tag", token())
	uri := sip.Uri{Scheme: "sip", UriParams: sip.NewParams()}
	if t.transport == "TLS" {
		uri.Scheme = "sips"
	}
	host, port, err := net.SplitHostPort(t.addr)
	if err != nil {
		return err
	}
	if uri.Host = host; net.ParseIP(host) != nil && net.ParseIP(host).To4() == nil {
		uri.Host = "[" + host + "]"
	}
	if uri.Port, err = strconv.Atoi(port); err != nil {
		return err
	}
	req := ua.newRequest(sip.OPTIONS, uri, t)
	id := sip.CallIDHeader(token() + "@" + ua.host)
	for _, h := range []sip.Header{
		f, &sip.ToHeader{Address: uri, Params: sip.NewParams()}, &id, &sip.CSeqHeader{SeqNo: 1, MethodName: sip.OPTIONS},
		&sip.ContactHeader{Address: ua.contactURI(t.transport, uri.Scheme)}, sip.NewHeader("Accept", sdpType),
	} {
		req.AppendHeader(h)
	}
	req.SetBody(nil)
	_, err = ua.once(ctx, req)
	return err
}
