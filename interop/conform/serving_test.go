package conform

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/mscp/mediaserver"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// A servingMS is a media server that serves everything: conferences and dialogs of package
// mscp, messages in memory, over TCP, TLS and INFO. A fault spoils it.
type servingMS struct {
	t    *testing.T
	f    fault
	m    *mediaserver.Server
	ua   *sipua.UA
	msrp *msrp.Listener
	cert tls.Certificate

	mu          sync.Mutex
	connections map[string]*msConnection
	kept        map[[2]string][]string // texts by sender and recipient
	all         []owner
	tells       []func(mscp.Element)
	channels    int // that were set up
	conferences int // whose ids were given out
	flawed      []*flawed
	infos       []*sipua.Call
}

// An msConnection is a call with message media.
type msConnection struct {
	pair    [2]string
	ready   chan struct{} // closed with RestoreMsg
	session *msrp.Session
	bound   chan struct{} // closed when there is a session to send over
}

// serve starts one with a fault.
func serve(t *testing.T, f fault) *servingMS {
	t.Helper()
	s := &servingMS{t: t, f: f, connections: map[string]*msConnection{}, kept: map[[2]string][]string{}}
	s.m = mediaserver.New(s.functions())
	var err error
	if s.cert, err = newCertificate(); err != nil {
		t.Fatal(err)
	}
	if s.msrp, err = msrp.Listen("127.0.0.1:0", msrp.Config{Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.msrp.Close() })
	if s.ua, err = sipua.New(sipua.Config{Addr: "127.0.0.1:0"}, sipua.Handlers{Invite: s.invited}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.ua.Close() })
	return s
}

// target is the server with documents that it can execute.
func (s *servingMS) target() MSCPTarget {
	text := func(what string) string { return "data:text/plain," + what }
	return MSCPTarget{SIP: s.ua.Addr(), Serves: []string{"conferences", "dialogs", "messages", "tls", "info"},
		DialogExit: text("exit"), DialogWait: text("wait"), DialogFail: text("fail"), DialogDisconnect: text("disconnect"), DialogTransfer: text("transfer"),
		Restart: func(context.Context) error { s.restart(); return nil }}
}

// restart forgets everything.
func (s *servingMS) restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.all {
		go o.Close(context.Background())
	}
	s.all, s.connections, s.conferences = nil, map[string]*msConnection{}, 0
}

func (s *servingMS) invited(in *sipua.IncomingCall) {
	var err error
	switch body := string(in.Body); {
	case strings.Contains(body, "m=application"):
		err = s.control(in)
	case body == "":
		err = s.push(in)
	case strings.Contains(body, "m=message"):
		err = s.take(in)
	case mscp.IsInfoSDP(in.Body):
		err = s.info(in)
	default:
		err = errors.New("no media that is known")
	}
	if err != nil {
		_ = in.Reject(488, "Not Acceptable Here")
	}
}

// tellKey is where the ctx of a request has what tells its application server.
type tellKey struct{}

// An owner is an application server, and what tells it.
type owner struct {
	*mediaserver.Owner
	tell func(mscp.Element)
}

// handler is what answers the requests of an owner.
func (s *servingMS) handler(o owner) mscp.Handler {
	serve := func(ctx context.Context, req mscp.Element) (mscp.Element, error) {
		switch r := req.(type) {
		case *mscp.RestoreMsg:
			return s.restore(r), nil
		case *mscp.SendMsg:
			return s.deliver(ctx, r), nil
		}
		return o.Handle(context.WithValue(ctx, tellKey{}, o.tell), req)
	}
	return func(ctx context.Context, req mscp.Element) (mscp.Element, error) {
		if s.f.handle == nil {
			return serve(ctx, req)
		}
		return s.f.handle(s, req, func(req mscp.Element) (mscp.Element, error) { return serve(ctx, req) })
	}
}

// owner is a new application server, told by what notify gives at that time.
func (s *servingMS) owner(notify func(mscp.Element)) owner {
	tell := func(e mscp.Element) {
		if s.f.notify != nil {
			s.f.notify(s, e, notify)
			return
		}
		notify(e)
	}
	o := owner{s.m.Owner(tell), tell}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all, s.tells = append(s.all, o), append(s.tells, notify)
	return o
}

// notified takes what the application server tells.
func (s *servingMS) notified(o owner) func(mscp.Element) {
	return func(e mscp.Element) {
		if s.f.notified != nil {
			s.f.notified(s, e, o.Notified)
			return
		}
		o.Notified(e)
	}
}

func (s *servingMS) control(in *sipua.IncomingCall) error {
	var mu sync.Mutex
	var current, first *mscp.Server
	nth := s.nextChannel()
	o := s.owner(func(e mscp.Element) {
		mu.Lock()
		srv := current
		if s.f.stale {
			srv = first
		}
		mu.Unlock()
		if srv != nil {
			_ = srv.Notify(context.Background(), e)
		}
	})
	a := &mscp.Acceptor{Host: "127.0.0.1", Check: s.f.check, Certificate: func() (*tls.Certificate, error) { return &s.cert, nil }}
	a.Ended = func(*mscp.Server) {
		if s.f.ownerEnds {
			o.Close(context.Background())
		}
	}
	var before *flawed
	a.Serve = func(c net.Conn) *mscp.Server {
		mu.Lock()
		defer mu.Unlock()
		f := newFlawed(s, c, nth)
		if s.f.serial && before != nil {
			f.after = before.ended
		}
		before = f
		s.track(f)
		current = mscp.NewServer(f, s.handler(o), mscp.Config{OnNotification: s.notified(o)})
		if first == nil {
			first = current
		}
		return current
	}
	describe := func(offer []byte) ([]byte, error) {
		secure := s.f.anyCertificate && strings.Contains(string(offer), "TCP/TLS/MS")
		if secure {
			offer = []byte(strings.Replace(string(offer), "TCP/TLS/MS", "TCP/MS", 1))
			a.Listen = s.listenAny
		}
		answer, err := a.Answer(offer)
		sdp := string(answer)
		if secure {
			sdp = strings.Replace(sdp, "TCP/MS", "TCP/TLS/MS", 1) + "a=fingerprint:" + fingerprint("sha-256", s.cert.Certificate[0]) + "\r\n"
		}
		if s.f.sdp != nil {
			sdp = s.f.sdp(s, string(offer), sdp)
		}
		return []byte(sdp), err
	}
	answer, err := describe(in.Body)
	if err != nil {
		return err
	}
	if s.f.noReinvite {
		in.OnReinvite(func(context.Context, []byte) ([]byte, error) { return nil, errors.New("none is taken") })
	} else {
		in.OnReinvite(func(_ context.Context, offer []byte) ([]byte, error) { return describe(offer) })
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	call, _, err := in.Answer(s.t.Context(), answer, sdpType)
	if err != nil {
		return nil
	}
	if !s.f.lasting {
		call.AfterEnd(cancel)
	}
	if s.f.sharedFate {
		call.AfterEnd(s.closeAll)
	}
	_ = a.Run(ctx)
	o.Close(context.Background())
	return nil
}

func (s *servingMS) info(in *sipua.IncomingCall) error {
	answer, err := mscp.InfoSDP("127.0.0.1")
	if err != nil {
		return err
	}
	var srv *mscp.InfoServer
	var call *sipua.Call
	ready := make(chan struct{})
	o := s.owner(func(e mscp.Element) { _ = srv.Notify(context.Background(), e) })
	srv = mscp.NewInfoServer(func(ctx context.Context, body []byte) error {
		<-ready
		to := call
		if s.f.infoCross {
			to = s.firstInfo()
		}
		return to.Info(ctx, mscp.ContentType, []byte(change(s.f.info, string(body))))
	}, s.handler(o), mscp.Config{OnNotification: s.notified(o)})
	defer srv.Close()
	in.OnInfo(func(_ context.Context, i sipua.Info) error {
		documents, err := i.Find(mscp.ContentType)
		for _, d := range documents {
			err = errors.Join(err, srv.Deliver(d.Content))
			if s.f.infoEcho && strings.Contains(string(d.Content), "<notification") {
				<-ready
				err = errors.Join(err, call.Info(s.t.Context(), mscp.ContentType, []byte(document("response", unjoined))))
			}
		}
		return err
	})
	if call, _, err = in.Answer(s.t.Context(), answer, sdpType); err != nil {
		return nil
	}
	s.mu.Lock()
	s.infos = append(s.infos, call)
	s.mu.Unlock()
	close(ready)
	<-call.Done()
	o.Close(context.Background())
	return nil
}

// unjoined is a response that is right by the schema.
const unjoined = `<conferenceunjoined id1="conform-a" id2="conform-b"/>`

// nextChannel counts control dialogs, and count conferences.
func (s *servingMS) nextChannel() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.channels++
	return s.channels
}

func (s *servingMS) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conferences++
	return s.conferences
}

// tellAll tells every application server.
func (s *servingMS) tellAll(e mscp.Element) {
	s.mu.Lock()
	all := slices.Clone(s.tells)
	s.mu.Unlock()
	for _, tell := range all {
		tell(e)
	}
}

func (s *servingMS) track(f *flawed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flawed = append(s.flawed, f)
}

func (s *servingMS) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.flawed {
		f.Conn.Close()
	}
}

// firstInfo is the oldest dialog of INFO that goes on.
func (s *servingMS) firstInfo() *sipua.Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.infos[0].Ended() {
		s.infos = s.infos[1:]
	}
	return s.infos[0]
}

// listenAny takes whatever certificate is shown.
func (s *servingMS) listenAny() (net.Listener, error) {
	return tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{s.cert}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12})
}

// functions are the media.
func (s *servingMS) functions() mediaserver.Functions {
	known := func(d mediaserver.Dialog) error {
		if !strings.HasPrefix(d.Document.Src, "data:text/plain,") {
			return errors.New("the document cannot be fetched")
		}
		return nil
	}
	return mediaserver.Functions{
		HasConnection: func(id string) bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.connections[id] != nil || s.f.anyConnection
		},
		PrepareDialog: func(_ context.Context, d mediaserver.Dialog) error { return known(d) },
		StartDialog: func(ctx context.Context, d mediaserver.Dialog) error {
			if err := known(d); err != nil {
				return err
			}
			s.run(ctx, d)
			return nil
		},
		EndDialog: func(d mediaserver.Dialog, immediate bool) {
			if !immediate {
				s.m.DialogExited(d.ID, nil)
			}
		},
		CreateConference:  func(context.Context, string, *mscp.CreateConference) error { return nil },
		DestroyConference: func(context.Context, string) error { return nil },
		Join:              func(context.Context, *mscp.Join) error { return nil },
		Unjoin:            func(context.Context, *mscp.Unjoin) error { return nil },
	}
}

// run is what a document says.
func (s *servingMS) run(ctx context.Context, d mediaserver.Dialog) {
	tell := func(e mscp.Element) {
		mscp.AfterResponse(ctx, func() { ctx.Value(tellKey{}).(func(mscp.Element))(e) })
	}
	switch _, what, _ := strings.Cut(d.Document.Src, ","); what {
	case "exit":
		s.m.DialogExited(d.ID, []mscp.Item{{Name: "said", Value: "é"}})
	case "fail":
		s.m.DialogFailed(d.ID, "it is made to fail")
	case "disconnect":
		tell(&mscp.DialogDisconnect{DialogID: d.ID, ConnectionID: d.ConnectionID})
	case "transfer":
		tell(&mscp.DialogTransfer{DialogID: d.ID, ConnectionID: d.ConnectionID, Type: "bridge", URI: "sip:callee@example.com", MaxTime: "0s", ConnectTimeout: "20s"})
	}
}

// take is the end of a connection of message media.
func (s *servingMS) take(in *sipua.IncomingCall) error {
	theirs, err := msrp.ParseSDP(in.Body)
	if err != nil {
		return err
	}
	c := &msConnection{ready: make(chan struct{}), bound: make(chan struct{})}
	uri := s.msrp.NewURI("127.0.0.1")
	ours := msrp.Media{Host: uri.Host, Port: uri.Port, Path: msrp.Path{uri}, AcceptTypes: []string{"*"}, Setup: msrp.SetupPassive}
	answer, err := ours.Answer(in.Body)
	if err != nil {
		return err
	}
	session, err := s.msrp.Accept(msrp.SessionConfig{Local: uri, Remote: theirs.Path, Handler: s.keep(c)})
	if err != nil {
		return err
	}
	defer session.Close()
	s.last(in, c, answer)
	return nil
}

// keep is what stores the messages of a connection.
func (s *servingMS) keep(c *msConnection) msrp.Handler {
	return func(ctx context.Context, m *msrp.Incoming) error {
		b, err := io.ReadAll(m)
		if err != nil {
			return err
		}
		select {
		case <-c.ready:
		case <-ctx.Done():
			return ctx.Err()
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.kept[c.pair] = append(s.kept[c.pair], string(b))
		return nil
	}
}

// last answers a call and has the connection for as long as it lasts.
func (s *servingMS) last(in *sipua.IncomingCall, c *msConnection, sdp []byte) (call *sipua.Call, ack []byte) {
	id := in.ID().String()
	s.mu.Lock()
	s.connections[id] = c
	s.mu.Unlock()
	call, ack, err := in.Answer(s.t.Context(), sdp, sdpType)
	if err == nil {
		if theirs, err := msrp.ParseSDP(ack); err == nil && c.session != nil {
			c.session.SetRemote(theirs.Path)
			go func() {
				select {
				case <-c.session.Bound():
					close(c.bound)
				case <-c.session.Done():
				}
			}()
		}
		<-call.Done()
	}
	if s.f.immortal {
		return call, ack
	}
	s.mu.Lock()
	delete(s.connections, id)
	s.mu.Unlock()
	s.m.ConnectionEnded(id)
	return call, ack
}

// push is a connection over which what is kept is sent.
func (s *servingMS) push(in *sipua.IncomingCall) error {
	uri := s.msrp.NewURI("127.0.0.1")
	ours := msrp.Media{Host: uri.Host, Port: uri.Port, Path: msrp.Path{uri}, AcceptTypes: []string{"*"}, Setup: msrp.SetupActpass}
	offer, err := ours.Offer()
	if err != nil {
		return err
	}
	session, err := s.msrp.Accept(msrp.SessionConfig{Local: uri, Handler: func(_ context.Context, m *msrp.Incoming) error { _, err := io.Copy(io.Discard, m); return err }})
	if err != nil {
		return err
	}
	defer session.Close()
	s.last(in, &msConnection{ready: make(chan struct{}), bound: make(chan struct{}), session: session}, offer)
	return nil
}

func (s *servingMS) restore(r *mscp.RestoreMsg) mscp.Element {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.connections[r.ConnectionID]
	if c == nil {
		return &mscp.MsgNotRestored{FromURI: r.FromURI, ToURI: r.ToURI, ConnectionID: r.ConnectionID, Reason: "no such connection"}
	}
	c.pair = [2]string{r.FromURI, r.ToURI}
	close(c.ready)
	return &mscp.MsgRestored{FromURI: r.FromURI, ToURI: r.ToURI, ConnectionID: r.ConnectionID}
}

// deliver sends what is kept, and forgets what was acknowledged.
func (s *servingMS) deliver(ctx context.Context, r *mscp.SendMsg) mscp.Element {
	if err := s.send(ctx, r); err != nil {
		return &mscp.MsgNotSended{FromURI: r.FromURI, ToURI: r.ToURI, ConnectionID: r.ConnectionID, Reason: err.Error()}
	}
	return &mscp.MsgSended{FromURI: r.FromURI, ToURI: r.ToURI, ConnectionID: r.ConnectionID}
}

func (s *servingMS) send(ctx context.Context, r *mscp.SendMsg) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	pair := [2]string{r.FromURI, r.ToURI}
	s.mu.Lock()
	c, texts := s.connections[r.ConnectionID], s.kept[pair]
	if s.f.mixes {
		texts = nil
		for other, more := range s.kept {
			if other[1] == pair[1] {
				texts = append(texts, more...)
			}
		}
	}
	if s.f.forgets {
		s.kept[pair] = nil
	}
	s.mu.Unlock()
	if c == nil {
		return errors.New("no such connection")
	}
	select {
	case <-c.bound:
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, text := range texts {
		if _, err := c.session.Send(ctx, msrp.Message{ContentType: "text/plain", Body: strings.NewReader(text), Size: int64(len(text))}); err != nil {
			return err
		}
		s.mu.Lock()
		if kept := s.kept[pair]; len(kept) > 0 && !s.f.remembers {
			s.kept[pair] = kept[1:]
		}
		s.mu.Unlock()
	}
	return nil
}
