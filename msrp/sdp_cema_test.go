package msrp

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func mustPath(t *testing.T, s string) Path {
	t.Helper()
	p, err := ParsePath(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	behindRelay = "msrp://192.0.2.1:2855/r;tcp msrp://192.0.2.9:9/us;tcp"
	alone       = "msrp://192.0.2.9:9/us;tcp"
)

// The offer of an endpoint with CEMA. See RFC 6714, section 4.2.
func TestCEMAOffer(t *testing.T) {
	for _, test := range []struct {
		path  string
		port  int
		setup Setup
		want  string // "" if it cannot be offered
	}{
		{behindRelay, 2855, SetupNone, "c=IN IP4 192.0.2.1 m=message 2855 a=setup:actpass"},
		{behindRelay, 2855, SetupActpass, "c=IN IP4 192.0.2.1 m=message 2855 a=setup:actpass"},
		{behindRelay, 2855, SetupActive, ""},
		{behindRelay, 9, SetupActpass, ""}, // our own port
		{alone, 9, SetupActpass, "c=IN IP4 192.0.2.9 m=message 9 a=setup:actpass"},
		{alone, 9, SetupActive, "c=IN IP4 192.0.2.9 m=message 9 a=setup:active"},
	} {
		m := &Media{Port: test.port, Path: mustPath(t, test.path), Setup: test.setup, CEMA: true}
		b, err := m.Offer()
		if (err == nil) != (test.want != "") {
			t.Errorf("%+v: %v", test, err)
			continue
		}
		if err != nil {
			continue
		}
		for _, want := range []string{"a=msrp-cema\r\n", "a=path:" + test.path} {
			if !strings.Contains(string(b), want) {
				t.Errorf("%+v: no %q in %s", test, want, b)
			}
		}
		back, err := ParseSDP(b)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("c=IN IP4 %s m=message %d a=setup:%s", back.Host, back.Port, back.Setup); got != test.want {
			t.Errorf("%+v: got %s", test, got)
		}
	}
	m := &Media{Port: 9, Path: mustPath(t, behindRelay)} // without CEMA they are our own (RFC 4975, 8.1)
	if b, err := m.Offer(); err != nil || !strings.Contains(string(b), "c=IN IP4 192.0.2.9") {
		t.Errorf("without CEMA: %s, %v", b, err)
	}
}

// The answer of an endpoint with CEMA. See RFC 6714, section 4.3.
func TestCEMAAnswer(t *testing.T) {
	const none, direct, relayed = "", "msrp://203.0.113.5:7/them;tcp", "msrp://203.0.113.1:8/r;tcp msrp://203.0.113.5:7/them;tcp"
	for _, test := range []struct {
		name   string
		c      string // the offer's address and port
		port   int
		path   string
		more   string // attributes of the offer, with blanks between them
		ours   string
		setup  Setup // ours
		cema   bool  // of the answer
		answer Setup
		err    error
	}{
		{"through a middlebox", "198.51.100.1", 1, direct, "a=msrp-cema a=setup:actpass", alone, none, true, SetupPassive, nil},
		{"and we connect", "198.51.100.1", 1, direct, "a=msrp-cema a=setup:actpass", alone, SetupActive, true, SetupActive, nil},
		{"a middlebox and no CEMA", "198.51.100.1", 1, direct, "a=setup:actpass", alone, none, false, none, ErrAnchored},
		{"another port and no CEMA", "203.0.113.5", 8, direct, "a=setup:actpass", alone, none, false, none, ErrAnchored},
		{"no middlebox, no CEMA", "203.0.113.5", 7, direct, "a=setup:actpass", alone, none, true, SetupPassive, nil},
		{"the relay's address, no CEMA", "203.0.113.1", 8, relayed, "a=setup:actpass", alone, none, true, SetupPassive, nil},
		{"both have relays", "203.0.113.1", 8, relayed, "a=msrp-cema a=setup:actpass", behindRelay, none, false, SetupPassive, nil},
		{"theirs is active", "203.0.113.1", 8, relayed, "a=msrp-cema a=setup:active", alone, none, false, SetupPassive, nil},
		{"theirs is active by default", "203.0.113.1", 8, relayed, "a=msrp-cema", alone, none, false, SetupPassive, nil},
		{"theirs leaves it to us", "203.0.113.1", 8, relayed, "a=msrp-cema a=setup:actpass", alone, none, true, SetupPassive, nil},
		{"ours is passive", "198.51.100.1", 1, direct, "a=msrp-cema a=setup:actpass", behindRelay, none, true, SetupPassive, nil},
		{"ours cannot be passive", "198.51.100.1", 1, direct, "a=msrp-cema a=setup:passive", behindRelay, none, false, SetupActive, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			lines := append([]string{"v=0", "o=- 1 2 IN IP4 " + test.c, "s=-", "c=IN IP4 " + test.c, "t=0 0",
				fmt.Sprintf("m=message %d TCP/MSRP *", test.port), "a=path:" + test.path}, strings.Fields(test.more)...)
			path := mustPath(t, test.ours)
			m := &Media{Host: path[0].Host, Port: path[0].Port, Path: path, Setup: test.setup, CEMA: true}
			b, err := m.Answer(crlf(lines...))
			if !errors.Is(err, test.err) {
				t.Fatalf("got %v", err)
			}
			if err != nil {
				return
			}
			back, err := ParseSDP(b)
			if err != nil {
				t.Fatal(err)
			}
			if back.CEMA != test.cema || m.CEMA != test.cema || back.Setup != test.answer {
				t.Errorf("got %s", b)
			}
			own := path[len(path)-1]
			if test.cema {
				own = path[0]
			}
			if back.Host != own.Host || back.Port != own.Port {
				t.Errorf("c= and m= have %s:%d", back.Host, back.Port)
			}
		})
	}
}

// Where an offerer connects to, and when it has to offer again. See RFC 6714,
// section 4.2.
func TestCEMAConnectTo(t *testing.T) {
	const relay, direct = "msrp://r:1/r;tcp msrp://a:2/x;tcp", "msrp://a:2/x;tcp"
	for _, test := range []struct {
		ours, theirs string
		cema         bool // of the answer
		setup        Setup
		matches      bool
		want         string
		err          error
	}{
		{direct, direct, true, SetupPassive, false, "192.0.2.3:7", nil},
		{direct, direct, true, SetupPassive, true, "192.0.2.3:7", nil},
		{direct, direct, true, SetupActive, false, "", nil}, // the peer connects
		{direct, relay, true, SetupPassive, false, "192.0.2.3:7", nil},
		{direct, relay, true, SetupPassive, true, "", nil}, // no middlebox
		{direct, relay, false, SetupPassive, true, "", nil},
		{direct, direct, false, SetupPassive, false, "192.0.2.3:7", nil}, // none of the criteria is met
		{direct, direct, false, SetupNone, true, "192.0.2.3:7", nil},
		{direct, direct, false, SetupActive, false, "", ErrOfferAgain}, // criterion 1
		{relay, direct, false, SetupPassive, false, "", ErrOfferAgain}, // criterion 2
		{direct, relay, false, SetupPassive, false, "", ErrOfferAgain}, // criterion 3
		{direct, direct, false, SetupActive, true, "", nil},
		{relay, direct, true, SetupActive, false, "", nil},
	} {
		ours := &Media{Path: mustPath(t, test.ours), CEMA: true}
		theirs := &Media{Host: "192.0.2.3", Port: 7, Path: mustPath(t, test.theirs), CEMA: test.cema, Setup: test.setup}
		got, err := ours.ConnectTo(theirs, test.matches)
		if got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%+v: got %q, %v", test, got, err)
		}
	}
	if got, err := (&Media{}).ConnectTo(&Media{CEMA: true, Host: "a", Port: 1}, false); got != "" || err != nil {
		t.Errorf("without CEMA of ours: %q, %v", got, err)
	}
}

// Whether c= and m= are those of the path. See RFC 6714, section 4.4.
func TestCEMAMatch(t *testing.T) {
	names, _ := nameServer(t, map[string][][]byte{
		"1 two.test.": {{192, 0, 2, 1}, {192, 0, 2, 2}}, "1 one.test.": {{192, 0, 2, 2}},
		"28 six.test.": {{0x20, 1, 0xd, 0xb8, 15: 1}},
	})
	for _, test := range []struct {
		host string
		port int
		path string
		want bool
	}{
		{"192.0.2.1", 5, "msrp://192.0.2.1:5/x;tcp", true},
		{"192.0.2.1", 6, "msrp://192.0.2.1:5/x;tcp", false},
		{"192.0.2.3", 5, "msrp://192.0.2.1:5/x;tcp", false},
		{"192.0.2.1", 5, "msrp://r:1/x;tcp msrp://192.0.2.1:5/x;tcp", true}, // one of them
		{"192.0.2.1", 1, "msrp://192.0.2.1:1/x;tcp msrp://192.0.2.9:5/x;tcp", true},
		{"2001:db8:0::1", 5, "msrp://[2001:DB8::1]:5/x;tcp", true},
		{"2001:db8::1", 5, "msrp://six.test:5/x;tcp", true},
		{"A.test", 5, "msrp://a.Test:5/x;tcp", true},
		{"192.0.2.2", 5, "msrp://two.test:5/x;tcp", true}, // any of its addresses
		{"192.0.2.3", 5, "msrp://two.test:5/x;tcp", false},
		{"one.test", 5, "msrp://two.test:5/x;tcp", true},
	} {
		m := &Media{Host: test.host, Port: test.port, Path: mustPath(t, test.path)}
		got, err := m.MatchesPath(testCtx(t), names)
		if err != nil || got != test.want {
			t.Errorf("%+v: %v, %v", test, got, err)
		}
	}
	m := &Media{Host: "nobody.test", Port: 5, Path: mustPath(t, "msrp://two.test:5/x;tcp")}
	if got, err := m.MatchesPath(testCtx(t), names); err == nil {
		t.Errorf("a name that is none: %v", got)
	}
}
