package sipua

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/testutil"
)

// needIPv6 skips a test on a machine without IPv6.
func needIPv6(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("this machine has no IPv6: %v", err)
	}
	l.Close()
}

// TestIPv6 makes calls over each transport on ::1, with a change from either
// side, and ends them from either side; registers, and subscribes.
func TestIPv6(t *testing.T) {
	needIPv6(t)
	for name, params := range map[string]string{"UDP": "", "TCP": ";transport=tcp", "TLS": ";transport=tls"} {
		t.Run(name, func(t *testing.T) {
			ctx := testContext(t)
			ca := newAuthority(t)
			cert := ca.issue("::1")
			cfg := Config{Addr: "[::1]:0", TLS: &TLSConfig{Certificate: func() (*tls.Certificate, error) { return &cert, nil }, RootCAs: ca.pool(), RequireClientCert: true}}
			calls, invites := make(chan *Call, 1), make(chan *IncomingCall, 1)
			notify := make(chan *sip.Request, 1)
			callee := newUAWith(t, cfg, Handlers{
				Invite: answering(t, calls, func(in *IncomingCall) { invites <- in }),
				Other: func(req *sip.Request, tx sip.ServerTransaction) {
					res := sip.NewResponseFromRequest(req, 200, "OK", nil)
					if req.Method == sip.REGISTER {
						req.Contact().Params.Add("expires", "77")
						res.AppendHeader(req.Contact())
					}
					_ = tx.Respond(res)
					if req.Method == sip.SUBSCRIBE {
						req.To().Params = res.To().Params.Clone() // with our tag
						select {
						case notify <- req:
						default:
						}
					}
				},
			})
			caller := newUAWith(t, cfg, Handlers{})
			at := callee.Addr()
			if name == "TLS" {
				at = callee.TLSAddr()
			}
			for _, byCaller := range []bool{true, false} {
				call, err := caller.Invite(ctx, InviteRequest{URI: "sip:bob@" + at + params, From: "sip:a@[2001:DB8::1]", To: "sip:b@[2001:db8::2]:5060", Body: []byte(sdpOne), ContentType: "application/sdp"})
				if err != nil {
					t.Fatal(err)
				}
				in := <-invites
				if in.From != "sip:a@[2001:db8::1]" || in.To != "sip:b@[2001:db8::2]" || in.Peer.Addr.Addr().String() != "::1" || in.Peer.Transport != name {
					t.Errorf("From %s, To %s, peer %+v", in.From, in.To, in.Peer)
				}
				if name == "TLS" && !in.Peer.HasName("::1") {
					t.Errorf("the peer's names are %q", in.Peer.Names)
				}
				if via := in.Header("Via"); !strings.Contains(via, " [::1]:") {
					t.Errorf("Via: %s", via)
				}
				if contact := in.Header("Contact"); !strings.Contains(contact, "@[::1]:") {
					t.Errorf("Contact: %s", contact)
				}
				if err := call.Ack(ctx, nil, ""); err != nil {
					t.Fatal(err)
				}
				first, second := call, <-calls
				if !byCaller {
					first, second = second, first
				}
				if _, err := first.Update(ctx, nil, ""); err != nil {
					t.Errorf("UPDATE: %v", err)
				}
				if err := first.Bye(ctx); err != nil {
					t.Error(err)
				}
				await(t, "end of the other side", second.Done())
			}
			g, err := caller.Register(ctx, RegisterRequest{Registrar: "sip:" + at, AOR: "sip:a@example.com", Destination: "sip:" + at + params})
			if err != nil {
				t.Fatal(err)
			}
			if granted, err := g.register(ctx, time.Hour); err != nil || granted != 77*time.Second {
				t.Errorf("granted %v, %v: our Contact was not recognised", granted, err)
			}
			got := make(chan Notification, 1)
			sub, err := caller.Subscribe(ctx, SubscribeRequest{URI: "sip:b@" + at + params, From: "sip:a@example.com", Event: "presence", OnNotify: func(n Notification) { got <- n }})
			if err != nil {
				t.Fatal(err)
			}
			defer sub.Close()
			ask := <-notify
			req := sip.NewRequest(sip.NOTIFY, ask.Contact().Address)
			from, to := sip.FromHeader(*ask.To()), sip.ToHeader(*ask.From())
			callID, contact := *ask.CallID(), sip.ContactHeader{Address: callee.contactURI(name, "sip")}
			for _, h := range []sip.Header{&from, &to, &callID, &sip.CSeqHeader{SeqNo: 1, MethodName: sip.NOTIFY}, &contact, sip.NewHeader("Event", "presence"), sip.NewHeader("Subscription-State", "active")} {
				req.AppendHeader(h)
			}
			target := uriTarget(&ask.Contact().Address)
			req.SetTransport(target.transport)
			req.SetDestination(target.addr)
			res, err := callee.Do(ctx, req)
			if err != nil || res.StatusCode != 200 {
				t.Errorf("NOTIFY: %v, %v", res, err)
			}
			select {
			case n := <-got:
				if n.State != "active" {
					t.Errorf("got %+v", n)
				}
			case <-ctx.Done():
				t.Error("no notification")
			}
		})
	}
}

// TestRawIPv6 answers on the wire to where a Via says, on ::1.
func TestRawIPv6(t *testing.T) {
	needIPv6(t)
	c, err := net.ListenPacket("udp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	ua := newUAWith(t, Config{Addr: "[::1]:0"}, Handlers{})
	d := &rawDialog{rawPeer: &rawPeer{testutil.SIPSocket{T: t, PacketConn: c}, t}, ua: ua.Addr(), callID: "six", from: "<sip:peer@[::1]>;tag=p", to: "<sip:test@[::1]:5060;transport=udp>"}
	if res := d.do("OPTIONS", "", ""); status(res) != "200" {
		t.Errorf("got\n%s", res)
	}
	d.Send(d.ua, strings.Replace(d.request("OPTIONS", "", ""), "OPTIONS\r\n", "BYE\r\n", 1))
	if res := d.next("SIP/2.0 "); status(res) != "400" || !strings.Contains(testutil.Field(res, "Via"), "[::1]:") {
		t.Errorf("got\n%s", res)
	}
}
