package scriptedas

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"strings"
	"sync"
	"time"

	"github.com/gomscp/gomscp/interop/strictpeer"
)

// A Config says where the server is, and what it does wrong.
type Config struct {
	Addr   string  // host:port where it takes SIP, over TCP
	Media  []Media // its media servers
	Proxy  string  // host:port of its outbound proxy and presence server
	Domain string  // of callers and recipients

	RestoreWait time.Duration // how long a caller's answer waits for MsgRestored
	Retry       time.Duration // pause before it tries again what has failed
	Info        bool          // control channels go over SIP INFO

	TLS *tls.Certificate // of the server; control channels go over TLS with it, nil for none

	Fault Fault // the rule that it breaks; "" for none
	// SDP changes the offer of a control dialog, PDU what goes out on a control channel,
	// and SIP every SIP message that goes out; nil changes nothing.
	SDP, PDU, SIP func(string) string
}

// Media is one media server.
type Media struct {
	Addr   string // host:port of SIP, over TCP
	Weight int    // positive
}

// A Server is an application server. See Start.
type Server struct {
	cfg      Config
	sip      *strictpeer.Endpoint
	ctx      context.Context
	cancel   context.CancelFunc
	work     sync.WaitGroup
	channels []*channel

	mu      sync.Mutex
	waiting map[string]chan *strictpeer.Message // for responses, by branch
	legs    map[string]*leg                     // by Call-ID and own tag
	users   map[string]*user                    // recipients, by URI
	watches map[string]*user                    // subscriptions, by Call-ID
	dialogs map[string]*dialogCall              // by dialogid
	early   map[string][]element                // notifications of dialogs that are not known yet
	rooms   map[*channel]*room
	pushes  map[string]int // push sessions that have begun, by recipient
}

// Start opens the sockets and sets up the control channels.
func Start(cfg Config) (*Server, error) {
	sip, err := strictpeer.ListenAt("TCP", cfg.Addr)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, sip: sip, waiting: map[string]chan *strictpeer.Message{}, legs: map[string]*leg{}, users: map[string]*user{},
		watches: map[string]*user{}, dialogs: map[string]*dialogCall{}, early: map[string][]element{}, rooms: map[*channel]*room{}, pushes: map[string]int{},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.work.Go(s.serve)
	for i, m := range cfg.Media {
		c := &channel{s: s, media: m, index: i}
		s.channels = append(s.channels, c)
		s.work.Go(c.keep)
	}
	return s, nil
}

// Stop ends the control dialogs, and then everything.
func (s *Server) Stop() {
	if !s.is(EndsSilently) {
		for _, c := range s.channels {
			c.end()
		}
	}
	s.shut()
}

// shut closes the sockets and waits for everything.
func (s *Server) shut() {
	s.cancel()
	s.sip.Close()
	s.work.Wait()
}

// Kill ends everything at once, and tells nobody.
func (s *Server) Kill() {
	s.shut()
	for _, c := range s.channels {
		if c.left != nil {
			c.left.Close()
		}
	}
}

// is reports whether the server has this fault.
func (s *Server) is(f Fault) bool { return s.cfg.Fault == f }

// pause waits, and reports whether the server goes on.
func (s *Server) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// serve takes what comes by SIP.
func (s *Server) serve() {
	for {
		p, err := s.sip.Receive(s.ctx)
		if err != nil {
			return
		}
		if p.Err != nil {
			continue
		}
		if p.Status() != 0 {
			s.takeResponse(p.Message)
			continue
		}
		s.takeRequest(p)
	}
}

// takeRequest answers a request, or begins what it asks for.
func (s *Server) takeRequest(p strictpeer.Packet) {
	if p.Method() == "INVITE" && strictpeer.Tag(p.Get("To")) == "" {
		s.takeInvite(p)
		return
	}
	s.mu.Lock()
	l := s.legs[p.Get("Call-ID")+strictpeer.Tag(p.Get("To"))]
	watch := s.watches[p.Get("Call-ID")]
	s.mu.Unlock()
	switch m := p.Method(); {
	case m == "ACK":
	case m == "NOTIFY":
		s.reply(p.From, p.Reply("200 OK", ""))
		if watch != nil {
			s.notified(watch, p.Body)
		}
	case m == "CANCEL":
		s.reply(p.From, p.Reply("200 OK", ""))
		s.cancelled(p.Get("Call-ID"))
	case m == "OPTIONS":
		s.reply(p.From, p.Reply("200 OK", token()))
	case l == nil:
		s.reply(p.From, p.Reply("481 Call/Transaction Does Not Exist", token()))
	case m == "BYE":
		s.reply(p.From, p.Reply("200 OK", ""))
		l.finish()
	case m == "INFO" && l.onInfo != nil:
		s.reply(p.From, p.Reply("200 OK", ""))
		l.onInfo(p.Message)
	case m == "INVITE":
		s.reply(p.From, p.Reply("488 Not Acceptable Here", ""))
	default:
		s.reply(p.From, p.Reply("405 Method Not Allowed", ""))
	}
}

// takeInvite begins a call.
func (s *Server) takeInvite(p strictpeer.Packet) {
	l := s.incoming(p)
	uri := strings.SplitN(p.URI(), ";", 2)[0]
	switch uri {
	case "sip:dialog@" + s.cfg.Domain:
		s.work.Go(func() { s.dialogCall(l) })
	case "sip:room@" + s.cfg.Domain:
		s.work.Go(func() { s.roomCall(l) })
	default:
		s.work.Go(func() { s.storeCall(l, uri) })
	}
}

func token() string { return strings.ToLower(rand.Text()) }
