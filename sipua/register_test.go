package sipua

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/testutil"
)

// TestRegisterTooBrief asks for longer when the registrar wants that, in bounds.
func TestRegisterTooBrief(t *testing.T) {
	together(t, map[string]struct {
		min  string // of each 423; "" means none
		want string // the Expires that are asked for
	}{
		"once":       {"7200", "600 7200"},
		"for ever":   {"7200 14400 28800 57600", "600 7200 14400"},
		"not longer": {"600", "600"},
		"for a year": {"31536000", "600"},
		"nonsense":   {"long", "600"},
	}, func(t *testing.T, _ string, tc struct{ min, want string }) {
		min := strings.Fields(tc.min)
		p := playNotifier(t, "udp", "127.0.0.1:0", func(p *playedNotifier, n int, m string) []string {
			if n < len(min) {
				return []string{p.response(m, "423 Interval Too Brief", "r", "Min-Expires: "+min[n])}
			}
			return []string{strings.Replace(p.response(m, "200 OK", "r"), "Contact: <sip:pres@"+p.destination()+">", "Contact: "+testutil.Field(m, "Contact")+";expires="+testutil.Field(m, "Expires"), 1)}
		})
		p.serve(newUAWith(t, Config{timers: quickTimers()}, Handlers{}))
		g, err := p.ua.Register(testContext(t), RegisterRequest{Registrar: "sip:example.com", AOR: "sip:bob@example.com", Expires: 10 * time.Minute, Destination: p.destination()})
		var status *StatusError
		accepted := len(strings.Fields(tc.want)) > len(min)
		if accepted != (err == nil) || err != nil && (!errors.As(err, &status) || status.Code != 423) {
			t.Errorf("registered: %v", err)
		}
		var got []string
		for i, a := range p.all() {
			got = append(got, testutil.Field(a.message, "Expires"))
			if !strings.HasPrefix(testutil.Field(a.message, "CSeq"), fmt.Sprint(i+1)) || testutil.Field(a.message, "Call-ID") != testutil.Field(p.all()[0].message, "Call-ID") {
				t.Errorf("attempt %d has CSeq %s, or another Call-ID", i, testutil.Field(a.message, "CSeq"))
			}
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("asked for %v, want %s", got, tc.want)
		}
		if err == nil && g.Unregister(testContext(t)) != nil {
			t.Error("not unregistered")
		}
	})
}

// TestRegistrationIsRefusedForAWhile keeps the Retry-After of a refresh, and the
// growing pauses of a registrar that keeps no binding.
func TestRegistrationIsRefusedForAWhile(t *testing.T) {
	t.Parallel()
	p := playNotifier(t, "udp", "127.0.0.1:0", func(p *playedNotifier, n int, m string) []string {
		switch n {
		case 0:
			return []string{p.response(m, "200 OK", "r", "Expires: 1")}
		case 1:
			return []string{p.response(m, "503 Busy", "r", "Retry-After: 1 (soon);duration=9")}
		}
		return []string{p.response(m, "200 OK", "r", "Expires: 0")}
	})
	p.serve(newUAWith(t, Config{timers: quickTimers()}, Handlers{}))
	if _, err := p.ua.Register(testContext(t), RegisterRequest{Registrar: "sip:example.com", AOR: "sip:bob@example.com", Destination: p.destination()}); err != nil {
		t.Fatal(err)
	}
	p.await(5)
	all := p.all()
	for i, least := range []time.Duration{700, 1000, 50, 100} {
		if gap := all[i+1].at.Sub(all[i].at); gap < least*time.Millisecond || gap > 3*time.Second {
			t.Errorf("pause %d was %v", i, gap)
		}
	}
}

// TestGrantedExpires reads how long a binding lasts.
func TestGrantedExpires(t *testing.T) {
	ua := &agent{plainEnd: plainEnd{host: "192.0.2.1", port: 5060}}
	for name, tc := range map[string]struct {
		headers string
		want    time.Duration
	}{
		"ours":                {"Contact: <sip:bob@192.0.2.1:5060>;expires=60\r\n", time.Minute},
		"ours and the header": {"Contact: <sip:bob@192.0.2.1:5060>;expires=60\r\nExpires: 90\r\n", time.Minute},
		"the header":          {"Contact: <sip:bob@192.0.2.1:5060>\r\nExpires: 90\r\n", 90 * time.Second},
		"another device":      {"Contact: <sip:bob@192.0.2.9:5060>;expires=5\r\nContact: <sip:bob@192.0.2.1:5060>;expires=60\r\n", time.Minute},
		"one line":            {"Contact: <sip:bob@192.0.2.9:5060>;expires=5, <sip:bob@192.0.2.1:5060>;q=0.5;expires=60\r\n", time.Minute},
		"longer than asked":   {"Contact: <sip:bob@192.0.2.1:5060>;expires=99999999999\r\n", 10 * time.Minute},
		"none is kept":        {"Contact: <sip:bob@192.0.2.1:5060>;expires=0\r\n", 0},
		"not said":            {"", 10 * time.Minute},
		"nonsense":            {"Contact: <sip:bob@192.0.2.1:5060>;expires=soon\r\nExpires: never\r\n", 10 * time.Minute},
	} {
		m, err := newParser().ParseSIP([]byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 REGISTER\r\n" + tc.headers + "Content-Length: 0\r\n\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		if d := grantedExpires(m.(*sip.Response), ua, 10*time.Minute); d != tc.want {
			t.Errorf("%s: %v, want %v", name, d, tc.want)
		}
	}
}

// TestCloseWithoutANotifier closes a subscription at a port that answers nothing,
// which takes no longer than it may.
func TestCloseWithoutANotifier(t *testing.T) {
	dead, err := net.ListenPacket("udp", "127.0.0.1:0") // it takes everything, and answers nothing
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	ua := newUA(t, Handlers{})
	s, err := ua.Subscribe(t.Context(), SubscribeRequest{URI: "sip:bob@example.com", From: "sip:as@example.com", Event: "presence", Destination: dead.LocalAddr().String(), OnNotify: func(Notification) {}})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s.Close()
	if took := time.Since(began); took > 2*unsubscribeWait {
		t.Errorf("closing took %v", took)
	}
}
