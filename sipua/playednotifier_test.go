package sipua

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
)

// A playedNotifier is a notifier that is written by hand: a test says what it sends
// for each SUBSCRIBE. Repetitions of a datagram are left out.
type playedNotifier struct {
	t  *testing.T
	ua *UA
	// answer is called for each SUBSCRIBE, n counted from 0, one at a time, and
	// returns what is sent.
	answer func(p *playedNotifier, n int, subscribe string) []string

	packets  net.PacketConn // nil over TCP
	listener net.Listener

	mu       sync.Mutex
	conns    map[net.Conn]bool
	seen     map[string]string // the response by the Via
	asked    []askedAt
	statuses chan string // responses to its NOTIFYs
}

type askedAt struct {
	at      time.Time
	message string
}

func playNotifier(t *testing.T, network, addr string, answer func(p *playedNotifier, n int, subscribe string) []string) *playedNotifier {
	t.Helper()
	p := &playedNotifier{t: t, answer: answer, conns: map[net.Conn]bool{}, seen: map[string]string{}, statuses: make(chan string, 10_000)}
	var err error
	if network == "udp" {
		if p.packets, err = net.ListenPacket("udp", addr); err == nil {
			t.Cleanup(func() { p.packets.Close() })
			go p.readPackets()
		}
	} else if p.listener, err = net.Listen("tcp", addr); err == nil {
		t.Cleanup(p.close)
		go p.accept()
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// serve tells which user agent subscribes.
func (p *playedNotifier) serve(ua *UA) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ua = ua
}

func (p *playedNotifier) agent() *UA {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ua
}

// destination is where SUBSCRIBEs go.
func (p *playedNotifier) destination() string {
	if p.packets != nil {
		return p.packets.LocalAddr().String()
	}
	return p.listener.Addr().String() + ";transport=tcp"
}

func (p *playedNotifier) close() {
	p.listener.Close()
	p.drop()
}

// drop ends its connections.
func (p *playedNotifier) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
	clear(p.conns)
}

func (p *playedNotifier) readPackets() {
	buf := make([]byte, 65536)
	for {
		n, from, err := p.packets.ReadFrom(buf)
		if err != nil {
			return
		}
		p.take(string(buf[:n]), func(m string) { _, _ = p.packets.WriteTo([]byte(m), from) })
	}
}

func (p *playedNotifier) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.conns[c] = true
		p.mu.Unlock()
		go func() {
			r := bufio.NewReader(c)
			for {
				m, err := readStreamed(r)
				if err != nil {
					return
				}
				p.take(m, func(m string) { _, _ = c.Write([]byte(m)) })
			}
		}()
	}
}

// readStreamed reads one message from a stream.
func readStreamed(r *bufio.Reader) (string, error) {
	var b strings.Builder
	length := 0
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", err
		}
		b.WriteString(line)
		if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, "Content-Length") {
			length, _ = strconv.Atoi(strings.TrimSpace(value))
		}
		if line == "\r\n" {
			break
		}
	}
	body := make([]byte, length)
	for n := 0; n < length; {
		k, err := r.Read(body[n:])
		if err != nil {
			return "", err
		}
		n += k
	}
	return b.String() + string(body), nil
}

func (p *playedNotifier) take(m string, send func(string)) {
	if strings.HasPrefix(m, "SIP/2.0 ") {
		p.statuses <- m
		return
	}
	p.mu.Lock()
	via := testutil.Field(m, "Via")
	before, repeated := p.seen[via]
	n := len(p.asked)
	if !repeated {
		p.seen[via] = ""
		p.asked = append(p.asked, askedAt{time.Now(), m})
	}
	p.mu.Unlock()
	if repeated {
		if before != "" {
			send(before) // it was lost
		}
		return
	}
	for _, out := range p.answer(p, n, m) {
		if strings.HasPrefix(out, "SIP/2.0") {
			p.mu.Lock()
			p.seen[via] = out
			p.mu.Unlock()
		}
		send(out)
	}
}

// all are the SUBSCRIBEs so far.
func (p *playedNotifier) all() []askedAt {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]askedAt(nil), p.asked...)
}

// await waits until there were n SUBSCRIBEs, and returns the last of them.
func (p *playedNotifier) await(n int) askedAt {
	p.t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if all := p.all(); len(all) >= n {
			return all[n-1]
		}
		if time.Now().After(end) {
			p.t.Fatalf("%d SUBSCRIBEs, want %d", len(p.all()), n)
		}
	}
}

// status is the code of the response to the notification of that CSeq.
func (p *playedNotifier) status(seq int) string {
	p.t.Helper()
	return p.responseTo(seq)[len("SIP/2.0 "):][:3]
}

func (p *playedNotifier) responseTo(seq int) string {
	p.t.Helper()
	for {
		select {
		case m := <-p.statuses:
			if testutil.Field(m, "CSeq") == strconv.Itoa(seq)+" NOTIFY" {
				return m
			}
		case <-time.After(10 * time.Second):
			p.t.Fatalf("no response to the NOTIFY %d", seq)
		}
	}
}

// response answers a SUBSCRIBE.
func (p *playedNotifier) response(subscribe, status, tag string, more ...string) string {
	to := testutil.Field(subscribe, "To")
	if !strings.Contains(to, "tag=") {
		to += ";tag=" + tag
	}
	return fmt.Sprintf("SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: <sip:pres@%s>\r\n%sContent-Length: 0\r\n\r\n",
		status, testutil.Field(subscribe, "Via"), testutil.Field(subscribe, "From"), to, testutil.Field(subscribe, "Call-ID"), testutil.Field(subscribe, "CSeq"), p.destination(), lines(more))
}

// notify makes a NOTIFY. more may have an Event and a Subscription-State of its own.
func (p *playedNotifier) notify(subscribe, tag string, seq int, body string, more ...string) string {
	transport := "UDP"
	if p.packets == nil {
		transport = "TCP"
	}
	head := lines(more)
	if !strings.Contains(head, "Event:") && !strings.Contains(head, "Without") {
		head += "Event: presence\r\n"
	}
	return fmt.Sprintf("NOTIFY sip:test@%s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\nFrom: <sip:bob@example.com>;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d NOTIFY\r\nContact: <sip:pres@%s>\r\n%sContent-Length: %d\r\n\r\n%s",
		p.agent().Addr(), transport, strings.TrimSuffix(p.destination(), ";transport=tcp"), token(), tag, testutil.Field(subscribe, "From"), testutil.Field(subscribe, "Call-ID"), seq, p.destination(), head, len(body), body)
}

func lines(headers []string) string {
	var b strings.Builder
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	return b.String()
}

// send sends to the user agent from the socket.
func (p *playedNotifier) send(m string) {
	p.t.Helper()
	addr, err := net.ResolveUDPAddr("udp", p.ua.Addr())
	if err == nil {
		_, err = p.packets.WriteTo([]byte(m), addr)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// quickTimers are the waits of most tests here.
func quickTimers() timers {
	return timers{
		retryMin: 50 * time.Millisecond, retryMax: 200 * time.Millisecond, slowMin: time.Minute, slowMax: time.Hour,
		settled: time.Minute, notify: 5 * time.Second, unreadable: 400 * time.Millisecond, sweepMin: 50 * time.Millisecond, sweepMax: time.Second,
	}
}

// watchOver subscribes to sip:bob@example.com at a notifier.
func watchOver(t *testing.T, p *playedNotifier, tm timers, change func(*SubscribeRequest)) (*Subscription, chan Notification) {
	t.Helper()
	if p.ua == nil {
		p.serve(newUAWith(t, Config{timers: tm}, Handlers{}))
	}
	got := make(chan Notification, 1000)
	r := SubscribeRequest{
		URI: "sip:bob@example.com", From: "sip:as@example.com", Event: "presence", Expires: 10 * time.Minute, Destination: p.destination(),
		OnNotify: func(n Notification) { got <- n },
	}
	if change != nil {
		change(&r)
	}
	s, err := p.ua.Subscribe(testContext(t), r)
	if err != nil {
		t.Fatal(err)
	}
	return s, got
}

// together runs a test for each case at once: the cases wait for the clock, not for
// a processor.
func together[T any](t *testing.T, cases map[string]T, f func(t *testing.T, name string, tc T)) {
	t.Helper()
	var wg sync.WaitGroup
	for name, tc := range cases {
		wg.Go(func() { t.Run(name, func(t *testing.T) { f(t, name, tc) }) })
	}
	wg.Wait()
}
