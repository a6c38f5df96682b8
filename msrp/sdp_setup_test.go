package msrp

import (
	"errors"
	"strings"
	"testing"
)

// described gives a description of one MSRP line with what is below it.
func described(proto string, lines ...string) []byte {
	return crlf(append([]string{"v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
		"m=message 9 " + proto + " *", "a=path:msrp://127.0.0.1:9/x;tcp"}, lines...)...)
}

// What the attributes of RFC 4145 mean with MSRP. See RFC 6135, section 4.
func TestSetupRead(t *testing.T) {
	for line, want := range map[string]Setup{
		"a=setup:active": SetupActive, "a=setup:passive": SetupPassive, "a=setup:actpass": SetupActpass,
		"a=setup: Active ": SetupActive, "a=setup:holdconn": SetupNone, "a=setup:sideways": SetupNone,
		"a=setup:": SetupNone, "a=setup": SetupNone, "a=connection:existing": SetupNone, "a=connection:odd": SetupNone,
	} {
		m, err := ParseSDP(described("TCP/MSRP", line))
		if err != nil || m.Setup != want {
			t.Errorf("%q: got %+v, %v", line, m, err)
		}
		if answer, err := (&Media{Port: 5, Path: Path{{Host: "a", Port: 5, SessionID: "x"}}}).Answer(described("TCP/MSRP", line)); err != nil ||
			strings.Contains(string(answer), "a=connection") {
			t.Errorf("%q: answered %s, %v", line, answer, err)
		}
	}
}

func TestSetupIsAlwaysWritten(t *testing.T) {
	ours := func(s Setup) *Media {
		return &Media{Port: 5, Path: Path{{Host: "a", Port: 5, SessionID: "x"}}, Setup: s}
	}
	for setup, want := range map[Setup]string{SetupNone: "active", SetupActive: "active", SetupActpass: "actpass"} {
		b, err := ours(setup).Offer()
		if err != nil || !strings.Contains(string(b), "a=setup:"+want+"\r\n") {
			t.Errorf("offer of %q: %s, %v", setup, b, err)
		}
	}
	for _, test := range []struct {
		offered string
		ours    Setup
		want    string // "" if there is no such answer
	}{
		{"", SetupNone, "passive"}, {"a=setup:active", SetupNone, "passive"}, {"a=setup:passive", SetupNone, "active"},
		{"a=setup:actpass", SetupNone, "passive"}, {"a=setup:holdconn", SetupNone, "passive"},
		{"a=setup:actpass", SetupActive, "active"}, {"a=setup:actpass", SetupPassive, "passive"},
		{"a=setup:active", SetupActive, ""}, {"a=setup:passive", SetupPassive, ""}, {"", SetupActive, ""},
		{"a=setup:actpass", SetupActpass, ""},
	} {
		var more []string
		if test.offered != "" {
			more = []string{test.offered}
		}
		m := ours(test.ours)
		b, err := m.Answer(described("TCP/MSRP", more...))
		switch {
		case test.want == "":
			if err == nil {
				t.Errorf("%q answered with %q: taken", test.offered, test.ours)
			}
		case err != nil || !strings.Contains(string(b), "a=setup:"+test.want+"\r\n") || string(m.Setup) != test.want:
			t.Errorf("%q answered with %q: %s, %v", test.offered, test.ours, b, err)
		}
	}
}

// An answer goes no further than the offer. See RFC 3264, section 6.1.
func TestAnswerFollowsTheDirection(t *testing.T) {
	for _, test := range []struct {
		offered string
		ours    Direction
		want    Direction
	}{
		{"", "", ""}, {"sendrecv", "", SendRecv}, {"sendonly", "", RecvOnly}, {"recvonly", "", SendOnly}, {"inactive", "", Inactive},
		{"", SendRecv, SendRecv}, {"", RecvOnly, RecvOnly}, {"sendrecv", SendOnly, SendOnly},
		{"sendonly", SendRecv, RecvOnly}, {"sendonly", SendOnly, Inactive}, {"recvonly", SendRecv, SendOnly},
		{"recvonly", RecvOnly, Inactive}, {"inactive", SendRecv, Inactive}, {"sendonly", Inactive, Inactive},
	} {
		for _, level := range []string{"media", "session"} {
			offer := described("TCP/MSRP")
			if test.offered != "" && level == "media" {
				offer = append(offer, "a="+test.offered+"\r\n"...)
			} else if test.offered != "" {
				offer = []byte(strings.Replace(string(offer), "m=", "a="+test.offered+"\r\nm=", 1))
			}
			m := &Media{Port: 5, Path: Path{{Host: "a", Port: 5, SessionID: "x"}}, Direction: test.ours}
			b, err := m.Answer(offer)
			if err != nil {
				t.Fatal(err)
			}
			back, err := ParseSDP(b)
			if err != nil || back.Direction != test.want || m.Direction != test.want {
				t.Errorf("%q at the %s level, ours %q: got %q, want %q", test.offered, level, test.ours, back.Direction, test.want)
			}
		}
	}
}

// An answer is over TLS just where the offer is.
func TestAnswerHasTheProtocolOfTheOffer(t *testing.T) {
	for _, secure := range []bool{true, false} {
		m := &Media{TLS: secure, Port: 5, Path: Path{{Host: "a", Port: 5, SessionID: "x"}}}
		_, plain := m.Answer(described("TCP/MSRP"))
		_, tls := m.Answer(described("TCP/TLS/MSRP"))
		if (plain == nil) == secure || (tls == nil) != secure {
			t.Errorf("TLS %v: %v, %v", secure, plain, tls)
		}
	}
	if _, err := (&Media{Port: 5}).Answer(described("TCP/MSRP")); err == nil || errors.Is(err, ErrNoMSRP) {
		t.Errorf("without a path: %v", err)
	}
}
