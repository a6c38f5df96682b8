package sim

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// A policy is what a user's device does with calls.
type policy struct {
	invite string        // status of the answer to an INVITE; "": 200; "port 0", "silent"
	send   string        // to a SEND; "": 200; "silent"
	slow   time.Duration // before each answer to a SEND
	active bool          // connects by itself
	hangUp int           // BYE after so many messages; 0: never
	cut    bool          // resets the connection instead
	write  int           // messages that it writes back in each session
}

// aboutSender reports whether what is refused says nothing about other senders.
func (p *policy) aboutSender() bool {
	if p.invite == "" {
		return p.send != "" && p.send != "silent" && p.send != "481 No Such Session"
	}
	return slices.Contains(senderStatuses, p.invite)
}

// policyFor is what user does with calls in the name of sender. w.mu is held.
func (w *world) policyFor(user, sender string) policy {
	if p := w.policies[user+" "+sender]; p != nil {
		return *p
	}
	if p := w.policies[user]; p != nil {
		return *p
	}
	return policy{}
}

// A pushSession is a call of the cluster to a user, or what stands in its place for a
// caller's session whose connection is to come.
type pushSession struct {
	w            *world
	user, sender string
	call         *call // of a caller's session
	p            policy
	d            *dialogOf
	session      string
	offer        string // the media server's path
	answer       []byte // our session description
	quiet        bool   // nothing has come that was a message

	mu      sync.Mutex
	conn    *msrpConn
	parts   map[string][]byte
	taken   int
	wrote   bool
	over    bool
	spoiled bool // it may be empty for a good reason
}

// maxCalls is how many calls the cluster may make within a second: a flood has no end.
const maxCalls = 100

func userIn(uri string) string {
	user, _, _ := strings.Cut(strings.TrimPrefix(uri, "sip:"), "@")
	return user
}

// request takes requests of the cluster outside of dialogs.
func (w *world) request(m *sipMessage) {
	switch m.method() {
	case "INVITE":
		w.called(m)
	case "SUBSCRIBE":
		w.subscribed(m)
	case "CANCEL":
		w.e.reply(m, "200 OK", w.e.unique("t"), nil, nil)
		w.mu.Lock()
		end := w.invited[m.branch()]
		delete(w.invited, m.branch())
		w.mu.Unlock()
		if end != nil {
			end()
		}
	case "ACK":
	case "OPTIONS":
		w.e.reply(m, "200 OK", w.e.unique("t"), nil, nil)
	default:
		w.e.reply(m, "481 Call/Transaction Does Not Exist", w.e.unique("t"), nil, nil)
	}
}

// called takes a call of the cluster to a user.
func (w *world) called(m *sipMessage) {
	user := userIn(strings.Fields(m.first)[1])
	sender := userIn(uriIn(m.get("from")))
	w.mu.Lock()
	p, open := w.policyFor(user, sender), w.open[user]
	w.invites++
	if time.Since(w.invitedAt) > time.Second {
		w.invitedAt, w.invitedNow = time.Now(), 0
	}
	w.invitedNow++
	flood := w.invitedNow > maxCalls
	if flood {
		w.failLocked("%d calls of the cluster within a second", w.invitedNow)
	}
	w.mu.Unlock()
	if flood {
		time.Sleep(time.Minute) // virtual time would stand still
	}
	tag := w.e.unique("t")
	switch {
	case !open:
		w.e.reply(m, "480 Temporarily Unavailable", tag, nil, nil)
	case p.invite == "silent":
		w.e.reply(m, "180 Ringing", tag, nil, nil)
		w.mu.Lock()
		w.invited[m.branch()] = func() { w.e.reply(m, "487 Request Terminated", tag, nil, nil) }
		w.mu.Unlock()
	case p.invite == "port 0":
		w.e.reply(m, "200 OK", tag, answerHeaders(user), sdpOf(0, ourPath("none"), "active"))
		w.e.onDialog(m.get("call-id"), func(m *sipMessage) {
			if m.method() != "ACK" {
				w.e.reply(m, "200 OK", "", nil, nil)
			}
		})
	case p.invite != "":
		w.e.reply(m, p.invite, tag, nil, nil)
	default:
		w.accept(m, user, sender, p, tag)
	}
}

func answerHeaders(user string) []string {
	return []string{"Contact: <sip:" + user + "@" + sipAddress + ">", "Content-Type: application/sdp"}
}

func (w *world) accept(m *sipMessage, user, sender string, p policy, tag string) {
	s := &pushSession{w: w, user: user, sender: sender, p: p, session: w.e.unique("push"), offer: pathIn(m.body), quiet: true, parts: map[string][]byte{}}
	s.d = &dialogOf{
		e: w.e, callID: m.get("call-id"), target: uriIn(m.get("contact")), remote: m.get("from"),
		local: m.get("to") + ";tag=" + tag, contact: "sip:" + user + "@" + sipAddress, cseq: 1000,
	}
	w.e.onDialog(s.d.callID, s.request)
	setup := "passive"
	if p.active {
		setup = "active"
	}
	s.answer = sdpOf(msrpPort, ourPath(s.session), setup)
	w.mu.Lock()
	w.passive[s.session] = s
	w.pushes[s.d.callID] = s
	w.mu.Unlock()
	w.e.reply(m, "200 OK", tag, answerHeaders(user), s.answer)
	if p.active {
		w.work.Go(s.connect)
	}
	time.AfterFunc(2*byePatience, func() {
		s.mu.Lock()
		conn := s.conn
		s.mu.Unlock()
		if conn == nil {
			s.giveUp()
		}
	})
}

// byePatience is how long a user agent without an MSRP connection waits for the BYE: one
// that is lost for 32 s does not come again.
const byePatience = time.Minute

// disconnected takes the end of the connection.
func (s *pushSession) disconnected() { time.AfterFunc(byePatience, s.giveUp) }

// giveUp ends a session whose BYE does not come.
func (s *pushSession) giveUp() {
	s.mu.Lock()
	over := s.over
	s.spoiled = true
	s.mu.Unlock()
	if !over {
		s.d.do("BYE", nil, nil)
		s.ended()
	}
}

// connect connects to the media server.
func (s *pushSession) connect() {
	conn, err := s.w.outside.DialContext(s.w.ctx(10*time.Second), "tcp", addressIn(s.offer))
	if err != nil {
		s.mu.Lock()
		s.spoiled = true
		s.mu.Unlock()
		return
	}
	mc := newMSRPConn(s.w.e, conn, s.offer, ourPath(s.session))
	if !s.use(mc) {
		conn.Close()
		return
	}
	_ = mc.write(mc.request("SEND", "Message-ID: "+s.session+"\r\nByte-Range: 1-0/0\r\n", "", "", '$', func(int) {}))
	mc.serve(s.frame)
	s.disconnected()
}

func (s *pushSession) use(mc *msrpConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = mc
	return !s.over
}

// acceptPush takes a connection of a media server: its first request says whose it is.
func (w *world) acceptPush(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	f, err := readFrame(r)
	if err != nil {
		return
	}
	_, id, _ := strings.Cut(strings.TrimPrefix(f.headers["To-Path"], "msrp://"), "/")
	id = strings.TrimSuffix(id, ";tcp")
	w.mu.Lock()
	s := w.passive[id]
	delete(w.passive, id)
	w.mu.Unlock()
	if s == nil {
		return
	}
	mc := newMSRPConn(w.e, conn, f.headers["From-Path"], ourPath(id))
	take := s.frame
	if s.call != nil {
		s.call.use(mc)
		mc.answer(f, "200 OK")
		close(s.call.bound)
		take = func(f *frame) { s.call.frame(mc, f) }
	} else if !s.use(mc) {
		return
	} else {
		defer s.disconnected()
		take(f)
	}
	for {
		f, err := readFrame(r)
		if err != nil {
			return
		}
		mc.took(f, take)
	}
}

// frame takes a SEND of the media server.
func (s *pushSession) frame(f *frame) {
	if f.what != "SEND" {
		return
	}
	if len(f.body) == 0 {
		s.conn.answer(f, "200 OK")
		return
	}
	s.w.mu.Lock()
	p := s.w.policyFor(s.user, s.sender)
	s.w.mu.Unlock()
	s.mu.Lock()
	s.quiet = false
	s.mu.Unlock()
	time.Sleep(p.slow)
	s.mu.Lock()
	id := f.headers["Message-ID"]
	s.parts[id] = append(s.parts[id], f.body...)
	body := string(s.parts[id])
	if f.flag != '+' {
		delete(s.parts, id)
	}
	whole := f.flag == '$'
	if whole {
		s.taken++
	}
	taken, wrote := s.taken, s.wrote
	s.wrote = true
	s.mu.Unlock()
	refuses := p.send != "" || p.hangUp > 0 && taken > p.hangUp
	if refuses || p.slow > 0 {
		s.w.trouble(s.user)
	}
	if whole {
		m := s.w.arrived(s.user, s.sender, id, body, !refuses)
		if m != nil && !refuses && f.headers["Success-Report"] == "yes" {
			defer s.conn.write(s.conn.request("REPORT", fmt.Sprintf("Message-ID: %s\r\nByte-Range: 1-%d/%d\r\nStatus: 000 200 OK\r\n", id, len(body), len(body)), "", "", '$', func(int) {}))
		}
	}
	switch {
	case p.hangUp > 0 && taken > p.hangUp: // no answer to this one
	case p.send == "silent":
	case p.send != "":
		s.conn.answer(f, p.send)
	default:
		s.conn.answer(f, "200 OK")
	}
	if p.write > 0 && !wrote && whole && !refuses {
		s.writeBack(p.write)
	}
	if p.hangUp > 0 && whole && taken >= p.hangUp {
		s.leave(p.cut)
	}
}

// maxWrittenBack bounds the sessions of a run in which users write back.
const maxWrittenBack = 40

// writeBack has the user write messages to the sender of what it got.
func (s *pushSession) writeBack(count int) {
	c := &call{w: s.w, from: s.user, to: s.sender, conn: s.conn, mixed: true}
	var wire strings.Builder
	s.w.mu.Lock()
	if s.w.writtenBack++; s.w.writtenBack > maxWrittenBack { // two such users would never end
		s.w.mu.Unlock()
		return
	}
	var list []*message
	for range count {
		m := s.w.newMessage(c.from, c.to, 20)
		m.call, m.sent, c.sent = c, time.Now(), append(c.sent, m)
		list = append(list, m)
	}
	s.w.mu.Unlock()
	for _, m := range list {
		s.w.log.Info("SENT", "message", m.String(), "in push", s.d.callID)
		c.frames(&wire, s.conn, m)
	}
	_ = s.conn.write(wire.String())
}

// trouble notes that what a user got may come again.
func (w *world) trouble(user string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.troubled[user] = time.Now()
}

// leave ends the session in the middle.
func (s *pushSession) leave(cut bool) {
	s.w.trouble(s.user)
	s.mu.Lock()
	s.spoiled = true
	s.mu.Unlock()
	if cut {
		s.w.outside.Reset(matchConn(s.conn.conn.LocalAddr().String(), s.conn.conn.RemoteAddr().String()))
		return
	}
	s.w.work.Go(func() {
		s.d.do("BYE", nil, nil)
		s.ended()
	})
}

// request takes requests within the dialog.
func (s *pushSession) request(m *sipMessage) {
	switch m.method() {
	case "ACK":
	case "BYE":
		s.w.e.reply(m, "200 OK", "", nil, nil)
		s.ended()
	case "INVITE": // a refresh: nothing changes
		s.w.e.reply(m, "200 OK", "", answerHeaders(s.user), s.answer)
	default:
		s.w.e.reply(m, "501 Not Implemented", "", nil, nil)
	}
}

// ended takes the end of the dialog.
func (s *pushSession) ended() {
	s.mu.Lock()
	again := s.over
	s.over = true
	conn, empty := s.conn, s.quiet && !s.spoiled
	s.mu.Unlock()
	s.w.mu.Lock()
	delete(s.w.passive, s.session)
	delete(s.w.pushes, s.d.callID)
	if empty && !again {
		s.w.empty++
	}
	s.w.mu.Unlock()
	if conn != nil {
		conn.conn.Close()
	}
}

func matchConn(local, remote string) func(l, r *net.TCPAddr) bool {
	return func(l, r *net.TCPAddr) bool { return l.String() == local && r.String() == remote }
}

// ctx is a context of that time.
func (w *world) ctx(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	time.AfterFunc(d, cancel)
	return ctx
}
