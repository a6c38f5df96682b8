package msrp

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func crlf(lines ...string) []byte { return []byte(strings.Join(lines, "\r\n") + "\r\n") }

// rfcOffer is the offer of RFC 4975, section 11.1.
var rfcOffer = crlf(
	"v=0",
	"o=alice 2890844557 2890844559 IN IP4 alicepc.example.com",
	"s=-",
	"c=IN IP4 alicepc.example.com",
	"t=0 0",
	"m=message 7777 TCP/MSRP *",
	"a=accept-types:text/plain",
	"a=path:msrp://alicepc.example.com:7777/iau39soe2843z;tcp",
)

func TestParseSDP(t *testing.T) {
	m, err := ParseSDP(rfcOffer)
	if err != nil {
		t.Fatal(err)
	}
	if m.Host != "alicepc.example.com" || m.Port != 7777 || m.TLS || m.Setup != SetupNone ||
		m.Path.String() != "msrp://alicepc.example.com:7777/iau39soe2843z;tcp" ||
		!reflect.DeepEqual(m.AcceptTypes, []string{"text/plain"}) || m.Index != 0 || m.Rejected() {
		t.Fatalf("got %+v", m)
	}
}

func TestParseSDPSecondLine(t *testing.T) {
	m, err := ParseSDP(crlf(
		"v=0", "o=- 1 2 IN IP6 ::1", "s=-", "c=IN IP6 ::1", "t=0 0", "a=setup:passive", "a=fingerprint:sha-256 AA:BB",
		"m=audio 4000/2 RTP/AVP 0 8", "a=rtpmap:0 PCMU/8000", "m=application 9 TCP/MS *",
		"m=message 0 TCP/MSRP *",
		"m=message 2855 TCP/TLS/MSRP *", "c=IN IP6 2001:db8::5", "a=accept-types:message/cpim text/* *",
		"a=accept-wrapped-types:*", "a=max-size:100000", "a=path:msrps://r;tcp msrps://[2001:db8::5]:2855/s;tcp",
		"a=setup:ACTPASS", "a=connection:new", "a=sendonly", "a=msrp-cema",
	))
	if err != nil {
		t.Fatal(err)
	}
	if m.Index != 3 || !m.TLS || m.Host != "2001:db8::5" || len(m.Path) != 2 || m.MaxSize != 100000 ||
		m.Setup != SetupActpass || m.Direction != SendOnly || !m.CEMA ||
		len(m.AcceptTypes) != 3 || len(m.AcceptWrappedTypes) != 1 ||
		!reflect.DeepEqual(m.Fingerprints, []string{"sha-256 AA:BB"}) {
		t.Fatalf("got %+v", m)
	}
}

func TestParseSDPLenient(t *testing.T) {
	// No t=, LF line ends, attributes before the media line, blank lines at the end.
	body := "v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\na=sendrecv\n" +
		"m=message 5 tcp/msrp *\na=accept-types:*\na=path:msrp://127.0.0.1:5/s;tcp\n\n\n"
	m, err := ParseSDP([]byte(body))
	if err != nil || m.Port != 5 || m.Direction != SendRecv {
		t.Fatalf("got %+v, %v", m, err)
	}
}

func TestParseSDPRefuses(t *testing.T) {
	head := []string{"v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"}
	with := func(lines ...string) []byte { return crlf(append(append([]string{}, head...), lines...)...) }
	for name, body := range map[string][]byte{
		"no path":  with("m=message 5 TCP/MSRP *"),
		"bad path": with("m=message 5 TCP/MSRP *", "a=path:msrp://a/b"),
		"bad port": with("m=message 70000 TCP/MSRP *", "a=path:msrp://a/b;tcp"),
		"short m=": with("m=message"),
		"control":  with("m=message 5 TCP/MSRP * \x01", "a=path:msrp://a/b;tcp"),
		"version":  crlf("v=1", "m=message 5 TCP/MSRP *", "a=path:msrp://a/b;tcp"),
		"no value": with("m=message 5 TCP/MSRP *", "a=path:msrp://a/b;tcp", "hello"),
		"empty":    nil,
		"garbage":  []byte("\x00\x01"),
		"too long": make([]byte, MaxSDP+1),
	} {
		if m, err := ParseSDP(body); err == nil {
			t.Errorf("%s: taken: %+v", name, m)
		}
	}
	for name, body := range map[string][]byte{
		"no media":     with(),
		"other media":  with("m=audio 4000 RTP/AVP 0"),
		"other proto":  with("m=message 4000 TCP/XYZ *"),
		"other medium": with("m=application 4000 TCP/MSRP *"),
	} {
		if _, err := ParseSDP(body); !errors.Is(err, ErrNoMSRP) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	m, err := ParseSDP(with("m=message 0 TCP/MSRP *"))
	if err != nil || !m.Rejected() {
		t.Errorf("port 0: %+v, %v", m, err)
	}
}

func testMedia(t testing.TB) *Media {
	path, err := ParsePath("msrp://[2001:db8::1]:2855/abc;tcp")
	if err != nil {
		t.Fatal(err)
	}
	return &Media{Host: "2001:db8::1", Port: 2855, Path: path, AcceptTypes: []string{"text/plain", "message/cpim"},
		AcceptWrappedTypes: []string{"*"}, MaxSize: 5000, Setup: SetupActpass, Direction: SendRecv,
		CEMA: true, TLS: true, Fingerprints: []string{"sha-256 AA:BB"}, SessionID: 7, SessionVersion: 8}
}

func TestOfferParsesBack(t *testing.T) {
	m := testMedia(t)
	body, err := m.Offer()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseSDP(body)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(m, back) {
		t.Fatalf("got  %+v\nwant %+v", back, m)
	}
}

func TestAnswerHasAllLines(t *testing.T) {
	offer := crlf("v=0", "o=- 1 2 IN IP4 1.2.3.4", "s=-", "c=IN IP4 1.2.3.4", "t=100 200",
		"m=audio 4000 RTP/AVP 0 8", "m=message 9 TCP/TLS/MSRP *", "a=path:msrp://1.2.3.4:9/x;tcp", "m=x-odd 5 A/B/C d e")
	m := testMedia(t)
	m.Setup = SetupPassive
	body, err := m.Answer(offer)
	if err != nil {
		t.Fatal(err)
	}
	s := string(body)
	for _, want := range []string{"t=100 200\r\n", "m=audio 0 RTP/AVP 0 8\r\nm=message 2855 ", "m=x-odd 0 A/B/C d e\r\n"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in\n%s", want, s)
		}
	}
	if back, err := ParseSDP(body); err != nil || back.Index != 1 {
		t.Errorf("got %+v, %v", back, err)
	}
	no, err := Reject(offer)
	if err != nil || strings.Count(string(no), "\r\nm=") != 3 || strings.Count(string(no), " 0 ") < 3 {
		t.Errorf("got %s, %v", no, err)
	}
	if back, err := ParseSDP(no); err != nil || !back.Rejected() {
		t.Errorf("got %+v, %v", back, err)
	}
	if _, err := m.Answer(crlf("v=0", "o=- 1 2 IN IP4 1.2.3.4", "s=-", "t=0 0")); !errors.Is(err, ErrNoMSRP) {
		t.Errorf("got %v", err)
	}
}

func TestOfferRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*Media){
		"no host":   func(m *Media) { m.Host, m.Path, m.Port = "", nil, 0 },
		"no path":   func(m *Media) { m.Path = nil },
		"port":      func(m *Media) { m.Port = 70000 },
		"line end":  func(m *Media) { m.AcceptTypes = []string{"a\r\nb"} },
		"line end2": func(m *Media) { m.Fingerprints = []string{"a\nb"} },
		"passive":   func(m *Media) { m.Setup = SetupPassive },
		"holdconn":  func(m *Media) { m.Setup = "holdconn" },
	} {
		m := testMedia(t)
		spoil(m)
		if _, err := m.Offer(); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// TestAcceptTypesAreWritten is what stands in a description that says nothing about
// types, and in one that does.
func TestAcceptTypesAreWritten(t *testing.T) {
	for _, tc := range []struct {
		name  string
		port  int
		types []string
		want  string // "" for no line
	}{
		{"none named", 5, nil, "a=accept-types:*\r\n"},
		{"two named", 5, []string{"text/plain", "message/cpim"}, "a=accept-types:text/plain message/cpim\r\n"},
		{"refused, none named", 0, nil, ""},
		{"refused, one named", 0, []string{"text/plain"}, "a=accept-types:text/plain\r\n"},
	} {
		m := &Media{Host: "a", Port: tc.port, Path: Path{{Host: "a", Port: 5, SessionID: "x"}}, AcceptTypes: tc.types}
		body, err := m.Offer()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(string(body), "a=accept-types:"); !strings.Contains(string(body), tc.want) || (got == 1) != (tc.want != "") {
			t.Errorf("%s: no %q, or more, in\n%s", tc.name, tc.want, body)
		}
	}
}

func TestSetupAnswer(t *testing.T) {
	for offered, want := range map[Setup]Setup{
		SetupNone: SetupPassive, SetupActive: SetupPassive, SetupPassive: SetupActive,
		SetupActpass: SetupPassive,
	} {
		if got := offered.Answer(); got != want {
			t.Errorf("%q: %q, want %q", offered, got, want)
		}
	}
	for d, want := range map[Direction]Direction{"": SendRecv, SendRecv: SendRecv, SendOnly: RecvOnly, RecvOnly: SendOnly, Inactive: Inactive} {
		if got := d.Answer(); got != want {
			t.Errorf("%q: %q", d, got)
		}
	}
}

func FuzzSDP(f *testing.F) {
	f.Add(rfcOffer)
	if b, err := testMedia(f).Offer(); err == nil {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := ParseSDP(body)
		if err != nil {
			return
		}
		if _, err := Reject(body); err != nil {
			t.Fatal(err)
		}
		out, err := m.Offer()
		if err != nil {
			return // no host, or the like
		}
		back, err := ParseSDP(out)
		if err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		out2, err := back.Offer()
		if m.SessionID != 0 && (err != nil || string(out2) != string(out)) {
			t.Fatalf("%q\n%q, %v", out, out2, err)
		}
		m.Setup, m.CEMA = SetupNone, false
		ans, err := m.Answer(body)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseSDP(ans); err != nil {
			t.Fatalf("%q: %v", ans, err)
		}
	})
}

// What a description says of its address is what its path says.
func TestMediaMatchesPath(t *testing.T) {
	for name, test := range map[string]struct {
		m  Media
		ok bool
	}{
		"same":         {Media{Host: "a.example", Port: 5, Path: Path{{Host: "A.example", Port: 5, SessionID: "x"}}}, true},
		"host missing": {Media{Port: 5, Path: Path{{Host: "a.example", Port: 5, SessionID: "x"}}}, true},
		"over a relay": {Media{Host: "a", Port: 5, Path: Path{{Host: "r", Port: 1}, {Host: "a", Port: 5, SessionID: "x"}}}, true},
		"refused":      {Media{Host: "a"}, true},
		"other host":   {Media{Host: "b", Port: 5, Path: Path{{Host: "a", Port: 5, SessionID: "x"}}}, false},
		"other port":   {Media{Host: "a", Port: 6, Path: Path{{Host: "a", Port: 5, SessionID: "x"}}}, false},
		"no port":      {Media{Host: "a", Port: 5, Path: Path{{Host: "r"}, {Host: "a", Port: 5, SessionID: "x"}}}, false},
	} {
		b, err := test.m.Offer()
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && len(test.m.Path) > 0 {
			m, err := ParseSDP(b)
			if err != nil || !sameHost(m.Host, m.Path[len(m.Path)-1].Host) || m.Port != m.Path[len(m.Path)-1].Port {
				t.Errorf("%s: %+v, %v", name, m, err)
			}
		}
	}
}
