package load

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// bareAnswer is what an Answerer answers; nobody connects to it.
const bareAnswer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" +
	"m=message 9 TCP/MSRP *\r\na=accept-types:*\r\na=path:msrp://127.0.0.1:9/bare;tcp\r\na=setup:passive\r\n"

// serve runs handlers on UDP and TCP at addr until ctx ends.
func serve(ctx context.Context, addr string, srv *sipgo.Server) error {
	errs := make(chan error, 2)
	for _, network := range []string{"udp", "tcp"} {
		go func() { errs <- srv.ListenAndServe(ctx, network, addr) }()
	}
	if err := <-errs; ctx.Err() == nil {
		return err
	}
	return nil
}

func contact(addr, transport string) *sip.ContactHeader {
	host, port, _ := sip.ParseAddr(addr)
	h := &sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: "bare", Host: host, Port: port}}
	h.Address.UriParams.Add("transport", transport)
	return h
}

// Answerer answers every INVITE at once, and every BYE, until ctx ends.
func Answerer(ctx context.Context, addr string) error {
	ua, err := sipgo.NewUA()
	if err != nil {
		return err
	}
	defer ua.Close()
	srv, err := sipgo.NewServer(ua)
	if err != nil {
		return err
	}
	srv.OnInvite(func(req *sip.Request, tx sip.ServerTransaction) {
		res := sip.NewSDPResponseFromRequest(req, []byte(bareAnswer))
		res.AppendHeader(contact(addr, "tcp"))
		_ = tx.Respond(res)
	})
	srv.OnAck(func(*sip.Request, sip.ServerTransaction) {})
	srv.OnBye(func(req *sip.Request, tx sip.ServerTransaction) {
		_ = tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", nil))
	})
	return serve(ctx, addr, srv)
}

// A Relay is a B2BUA of two legs over sipgo and nothing else: the caller's offer goes
// to an Answerer, and so does the BYE.
type Relay struct {
	addr, to string // to is a host:port, which is called over TCP
	client   *sipgo.Client

	mu   sync.Mutex
	legs map[string]*leg // by the caller's Call-ID
}

// A leg is the one to the Answerer.
type leg struct {
	invite *sip.Request
	answer *sip.Response
}

// ServeRelay runs a Relay until ctx ends.
func ServeRelay(ctx context.Context, addr, to string) error {
	ua, err := sipgo.NewUA()
	if err != nil {
		return err
	}
	defer ua.Close()
	srv, err := sipgo.NewServer(ua)
	if err != nil {
		return err
	}
	r := &Relay{addr: addr, to: to, legs: map[string]*leg{}}
	if r.client, err = sipgo.NewClient(ua, sipgo.WithClientAddr(addr)); err != nil {
		return err
	}
	srv.OnInvite(r.invite)
	srv.OnAck(func(*sip.Request, sip.ServerTransaction) {})
	srv.OnBye(r.bye)
	return serve(ctx, addr, srv)
}

func (r *Relay) request(method sip.RequestMethod) *sip.Request {
	host, port, _ := sip.ParseAddr(r.to)
	uri := sip.Uri{Scheme: "sip", User: "bare", Host: host, Port: port}
	uri.UriParams.Add("transport", "tcp")
	return sip.NewRequest(method, uri)
}

func (r *Relay) invite(req *sip.Request, tx sip.ServerTransaction) {
	out := r.request(sip.INVITE)
	out.AppendHeader(contact(r.addr, "tcp"))
	out.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	out.SetBody(req.Body())
	res, err := r.do(out)
	if err != nil || !res.IsSuccess() {
		_ = tx.Respond(sip.NewResponseFromRequest(req, 503, "Service Unavailable", nil))
		return
	}
	if err := r.client.WriteRequest(r.within(&leg{out, res}, sip.ACK)); err != nil {
		return
	}
	r.mu.Lock()
	r.legs[req.CallID().Value()] = &leg{out, res}
	r.mu.Unlock()
	answer := sip.NewSDPResponseFromRequest(req, res.Body())
	answer.AppendHeader(contact(r.addr, req.Transport()))
	_ = tx.Respond(answer)
}

func (r *Relay) bye(req *sip.Request, tx sip.ServerTransaction) {
	_ = tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", nil))
	r.mu.Lock()
	l := r.legs[req.CallID().Value()]
	delete(r.legs, req.CallID().Value())
	r.mu.Unlock()
	if l == nil {
		return
	}
	_, _ = r.do(r.within(l, sip.BYE))
}

// within makes a request within a leg's dialog.
func (r *Relay) within(l *leg, method sip.RequestMethod) *sip.Request {
	out := r.request(method)
	from, to := *l.answer.From(), *l.answer.To()
	out.AppendHeader(&from)
	out.AppendHeader(&to)
	out.AppendHeader(sip.HeaderClone(l.invite.CallID()))
	seq := l.invite.CSeq().SeqNo
	if method != sip.ACK {
		seq++
	}
	out.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: method})
	return out
}

// do sends a request and returns its final response.
func (r *Relay) do(req *sip.Request) (*sip.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), callPatience)
	defer cancel()
	tx, err := r.client.TransactionRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	defer tx.Terminate()
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
		case <-tx.Done():
			return nil, errors.Join(errors.New("no response"), tx.Err())
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// reachable waits until somebody takes TCP at addr.
func reachable(ctx context.Context, addr string) error {
	for {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			return conn.Close()
		}
		if ctx.Err() != nil {
			return err
		}
	}
}
