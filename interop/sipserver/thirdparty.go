package sipserver

import (
	"context"
	"crypto/rand"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/wait"
	"github.com/gomscp/gomscp/sipua/regevent"
)

// thirdPartyRetry is the pause after a REGISTER that the application server
// did not take.
const thirdPartyRetry = time.Second

// A teller sends the application server a REGISTER for every user whose registration has
// changed, with the state at the time when it is sent. One goroutine, in run, sends one
// at a time. See 3GPP TS 24.229, section 5.4.1.7.
type teller struct {
	s      *Server
	callID string
	tag    string
	seq    uint32
	wake   chan struct{}   // of capacity 1
	users  map[string]bool // whose change is not reported yet; guarded by the server's lock
}

func newTeller(s *Server) *teller {
	return &teller{s: s, callID: rand.Text(), tag: rand.Text(), wake: make(chan struct{}, 1), users: map[string]bool{}}
}

// changed has the application server told. s.mu is held.
func (t *teller) changed(user string) {
	t.users[user] = true
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *teller) run() {
	for {
		select {
		case <-t.wake:
		case <-t.s.ctx.Done():
			return
		}
		for user := t.next(); user != ""; user = t.next() {
			if t.tell(user) {
				continue
			}
			t.s.mu.Lock()
			t.users[user] = true
			t.s.mu.Unlock()
			if !wait.For(thirdPartyRetry, t.s.ctx.Done()) {
				return
			}
		}
	}
}

// next takes one user off the list, "" if there is none.
func (t *teller) next() string {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	for user := range t.users {
		delete(t.users, user)
		return user
	}
	return ""
}

// tell sends one REGISTER, which expires with the user's last contact.
func (t *teller) tell(user string) (ok bool) {
	t.s.mu.Lock()
	var left time.Duration
	for _, b := range t.s.bindings[user] {
		left = max(left, time.Until(b.expires))
	}
	t.s.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.s.ctx, requestWait)
	defer cancel()
	res, err := t.s.ua.Do(ctx, t.request(user, left))
	if err != nil || !res.IsSuccess() {
		t.s.log.Info("third-party REGISTER not taken", "user", user, "err", err)
		return false
	}
	return true
}

func (t *teller) request(user string, left time.Duration) *sip.Request {
	host, port, _ := sip.ParseAddr(t.s.cfg.AppServer)
	req := sip.NewRequest(sip.REGISTER, sip.Uri{Scheme: "sip", Host: host, Port: port})
	req.SetDestination(t.s.cfg.AppServer)
	t.seq++
	from := sip.FromHeader{Address: sip.Uri{Scheme: "sip", Host: t.s.cfg.Domain}, Params: sip.NewParams()}
	from.Params.Add("tag", t.tag)
	callID, hops := sip.CallIDHeader(t.callID), sip.MaxForwardsHeader(defaultHops)
	seconds := int((left + time.Second - 1) / time.Second)
	for _, h := range []sip.Header{
		&hops, &from, &sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: user, Host: t.s.cfg.Domain}}, &callID,
		&sip.CSeqHeader{SeqNo: t.seq, MethodName: sip.REGISTER}, &sip.ContactHeader{Address: t.s.uri()},
		sip.NewHeader("Expires", strconv.Itoa(seconds)),
	} {
		req.AppendHeader(h)
	}
	req.SetBody(nil)
	return req
}

// packages are the event packages that are served, and their content types.
var packages = map[string]string{presencePackage: pidfType, regevent.Package: regevent.ContentType}
