package conform

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/msrp/msrptest"
)

// RelayClientTarget is a sender of messages that uses an MSRP relay. The runner is the
// relay and the recipient.
type RelayClientTarget struct {
	Listen             string // host:port where the runner takes SIP; the relay is on the same host
	Username, Password string // by which the relay knows the peer under test
	// Send makes the peer authorize itself at the relay (an MSRP URI), call the SIP URI
	// to, and send text in one message, like SenderTarget.Send.
	Send func(ctx context.Context, relay, to, text string) error
}

// MSRPRelayClient returns the cases for a client of a relay, in the order of the sections
// of RFC 4976. end closes the servers that the first case starts.
func MSRPRelayClient(r RelayClientTarget) (cases []Case, end func()) {
	b := &relayBench{senderBench{target: SenderTarget{Listen: r.Listen}}, r, nil}
	return b.cases(), b.close
}

type relayBench struct {
	senderBench
	client RelayClientTarget
	wrap   func(net.Conn) net.Conn // for tests, as in senderBench
}

// A relayed is a session at the relay.
type relayed struct {
	*taken
	b     *relayBench
	relay string // the relay's URI
	use   string // what Use-Path has
	auths int    // AUTH requests that were answered with 200
	peer  string // the path of the recipient
}

// The relay's second hop stands for another relay, which is not there.
const (
	secondHop  = "msrp://relay2.invalid:2855/hop2;tcp"
	relayRealm = "conform"
	relayNonce = "bm9uY2Ugb2YgdGhlIHJ1bm5lcg"
	nextNonce  = "dGhlIG5leHQgbm9uY2U"
)

// relayExpires is for how long the relay authorizes, in seconds.
const relayExpires = 2

// on makes what runs a case with a client that comes to the relay.
func (b *relayBench) on(run func(t *T, s *relayed)) func(*T) {
	return func(t *T) {
		if err := b.start(); err != nil {
			t.notSetUp(err)
		}
		b.record(&t.wire)
		t.Cleanup(func() { b.record(nil) })
		b.dropCalls()
		host, _, _ := net.SplitHostPort(b.ua.Addr())
		ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
		s := &relayed{taken: &taken{t: t, tids: map[string]bool{}, sent: make(chan error, 1)}, b: b}
		s.relay = fmt.Sprintf("msrp://%s;tcp", ln.Addr())
		s.use = secondHop + " " + fmt.Sprintf("msrp://%s/conform%d;tcp", ln.Addr(), time.Now().UnixNano())
		ctx, cancel := context.WithCancel(t.ctx)
		t.Cleanup(cancel)
		go func() { s.sent <- b.client.Send(ctx, s.relay, b.ua.Contact(), shortText) }()
		s.accept(ln)
		run(t, s)
	}
}

// accept takes the connection to the relay.
func (s *relayed) accept(ln net.Listener) {
	s.t.Helper()
	_ = ln.(*net.TCPListener).SetDeadline(time.Now().Add(s.t.timeout))
	c, err := ln.Accept()
	if err != nil {
		s.t.unreached = errors.New("nobody has come to the relay")
		s.t.Fatalf("within %v nobody has come to %s", s.t.timeout, s.relay)
	}
	s.t.Cleanup(func() { c.Close() })
	conn := net.Conn(recorded{c, s.t})
	if s.b.wrap != nil {
		conn = s.b.wrap(conn)
	}
	s.probe = &T{ctx: s.t.ctx, timeout: s.t.timeout}
	s.Peer = msrptest.New(s.probe, conn)
}

// reply answers a request of the client with headers.
func (s *relayed) reply(f *msrptest.Frame, status string, headers ...string) {
	s.Send(append(append([]string{"MSRP " + f.TID + " " + status, "To-Path: " + f.Get("From-Path"), "From-Path: " + lastURI(f.Get("To-Path"), 0)}, headers...), "-------"+f.TID+"$")...)
}

// lastURI is the n-th URI of a path, from its beginning; negative counts from its end.
func lastURI(path string, n int) string {
	uris := strings.Fields(path)
	if n < 0 {
		n += len(uris)
	}
	if n < 0 || n >= len(uris) {
		return ""
	}
	return uris[n]
}

// auth waits for the next AUTH. SENDs that come before are answered, as if they had
// reached the recipient.
func (s *relayed) auth() *msrptest.Frame {
	s.t.Helper()
	for {
		f, err := s.read()
		if err != nil {
			s.t.Fatalf("waiting for AUTH: %v", err)
		}
		if f.Method == "AUTH" {
			return f
		}
		if f.Method == "SEND" {
			s.reply(f, "200 OK")
		}
	}
}

// authorized challenges the client, and authorizes it.
func (s *relayed) authorized() {
	s.t.Helper()
	s.challenge(relayNonce, "")
	f := s.auth()
	s.proved(f, relayNonce)
	s.reply(f, "200 OK", "Use-Path: "+s.use, fmt.Sprintf("Expires: %d", relayExpires))
	s.auths++
}

// challenge refuses the next AUTH with a nonce.
func (s *relayed) challenge(nonce, more string) {
	s.t.Helper()
	s.reply(s.auth(), "401 Unauthorized", `WWW-Authenticate: Digest realm="`+relayRealm+`", nonce="`+nonce+`", qop="auth"`+more)
}

var authParam = regexp.MustCompile(`([a-z]+)=(?:"([^"]*)"|([^\s,"]+))`)

// proved checks the credentials of an AUTH. See RFC 4976, section 9.1, and RFC 2617.
func (s *relayed) proved(f *msrptest.Frame, nonce string) {
	s.t.Helper()
	header, ok := strings.CutPrefix(f.Get("Authorization"), "Digest ")
	if !ok {
		s.t.Fatalf("the AUTH after a 401 has the Authorization %q", f.Get("Authorization"))
	}
	p := map[string]string{}
	for _, m := range authParam.FindAllStringSubmatch(header, -1) {
		p[m[1]] = m[2] + m[3]
	}
	if p["qop"] != "auth" || p["nonce"] != nonce || p["username"] != s.b.client.Username || p["realm"] != relayRealm || p["nc"] != "00000001" || p["cnonce"] == "" {
		s.t.Errorf("the Authorization is %q", header)
	}
	uri := p["uri"]
	if uri == "" {
		uri = lastURI(f.Get("To-Path"), -1)
	}
	h := func(text string) string {
		sum := md5.Sum([]byte(text))
		return hex.EncodeToString(sum[:])
	}
	want := h(strings.Join([]string{h(p["username"] + ":" + relayRealm + ":" + s.b.client.Password), nonce, p["nc"], p["cnonce"], "auth", h("AUTH:" + uri)}, ":"))
	if p["response"] != want {
		s.t.Errorf("the response of %q is not %s", header, want)
	}
}

// called answers the call of the client, as a recipient without a relay.
func (s *relayed) called() {
	t := s.t
	t.Helper()
	in := s.b.called(s.taken)
	t.Cleanup(func() { close(in.over) })
	s.sdp = string(in.Body)
	if s.b.spoilSDP != nil {
		s.sdp = s.b.spoilSDP(s.sdp)
	}
	var err error
	if s.offer, err = msrp.ParseSDP([]byte(s.sdp)); err != nil {
		_ = in.Reject(488, "Not Acceptable Here")
		t.Fatalf("the offer: %v\n%s", err, s.sdp)
	}
	host, _, _ := net.SplitHostPort(s.b.ua.Addr())
	s.peer = fmt.Sprintf("msrp://%s/recipient%d;tcp", net.JoinHostPort(host, strconv.Itoa(ourPort)), time.Now().UnixNano())
	ctx, cancel := t.within()
	defer cancel()
	call, _, err := in.Answer(ctx, []byte(strings.Replace(describe(host, s.peer), "a=setup:active\r\n", "", 1)), sdpType)
	if err != nil {
		t.Fatalf("the answer is not acknowledged: %v", err)
	}
	t.Cleanup(func() { hangUp(call) })
}

func (b *relayBench) cases() []Case {
	return inOrder([]Case{
		must("msrp-relay/5.1/1", "AUTH goes to the relay's URI, from the client's own, without a body", b.on(func(t *T, s *relayed) {
			f := s.auth()
			if got := f.Get("To-Path"); !strings.EqualFold(got, s.relay) || len(strings.Fields(f.Get("From-Path"))) != 1 || len(f.Body) > 0 {
				t.Errorf("it goes from %q to %q, not %s, with the body %q", f.Get("From-Path"), got, s.relay, f.Body)
			}
		})),
		must("msrp-relay/5.1/2", "the path of the client's session description is Use-Path backwards, then its own URI", b.on(func(t *T, s *relayed) {
			s.authorized()
			s.called()
			want := lastURI(s.use, 1) + " " + secondHop
			if got := s.offer.Path.String(); !strings.HasPrefix(got, want+" ") || len(s.offer.Path) != 3 {
				t.Errorf("it is %q, not %q and the client's own", got, want)
			}
		})),
		must("msrp-relay/5.1/3", "To-Path is Use-Path, then the path of the peer", b.on(func(t *T, s *relayed) {
			s.authorized()
			s.called()
			for {
				f, err := s.read()
				if err != nil {
					t.Fatalf("waiting for SEND: %v", err)
				}
				if f.Method == "SEND" {
					if got, want := f.Get("To-Path"), s.use+" "+s.peer; got != want {
						t.Errorf("it is %q, not %q", got, want)
					}
					return
				}
			}
		})),
		must("msrp-relay/5.1/4", "the authorization is refreshed before it expires", b.on(func(t *T, s *relayed) {
			s.authorized()
			until := time.Now().Add(relayExpires * time.Second)
			s.called()
			s.auth()
			if late := time.Since(until); late > 0 {
				t.Errorf("AUTH comes %v after the authorization of %d s has expired", late, relayExpires)
			}
		})),
		must("msrp-relay/9.1/1", "a challenge is answered with credentials of the digest scheme, with a qop of auth, and so is one with another nonce, when the first is stale", b.on(func(t *T, s *relayed) {
			s.challenge(relayNonce, "")
			s.challenge(nextNonce, ", stale=true")
			s.proved(s.auth(), nextNonce)
		})),
	})
}
