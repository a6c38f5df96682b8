package mscp

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
)

func TestSDPRoundTrip(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1", "ms.example.com"} {
		offer := NewOffer(host)
		answer := offer.Answer(host, 32416)
		for _, m := range []*Media{offer, answer} {
			b, err := m.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			got, err := ParseSDP(b)
			if err != nil || *got != *m {
				t.Errorf("%+v became %+v, %v:\n%s", m, got, err, b)
			}
		}
		if err := errors.Join(offer.CheckOffer(), answer.CheckAnswer()); err != nil {
			t.Error(err)
		}
	}
}

func TestParseSDP(t *testing.T) {
	const draftOffer = "v=0\no=as 53655765 53655765 IN IP4 192.168.1.1\ns=Example\nc=IN 192.168.1.1\nm=application 9 TCP/MS\na=setup:active\na=connection:new\n"
	for name, tc := range map[string]struct {
		sdp  string
		want Media
		err  bool
	}{
		"draft 7.2.1, offer":  {sdp: draftOffer, want: Media{Host: "192.168.1.1", Port: 9, Setup: "active", Connection: "new"}},
		"draft 7.2.1, answer": {sdp: "v=0\r\nc=IN IP4 192.168.1.2\r\nm=application 32416 TCP/MS\r\na=setup:passive\r\na=connection:new", want: Media{Host: "192.168.1.2", Port: 32416, Setup: "passive", Connection: "new"}},
		"media c-line":        {sdp: "c=IN IP4 1.1.1.1\nm=audio 4000 RTP/AVP 0\nc=IN IP4 3.3.3.3\nm=application 0 TCP/MS *\nc=IN IP6 ::1\nm=audio 1 RTP/AVP 0\na=setup:active\n", want: Media{Host: "::1", Connection: "new"}},
		"TLS":                 {sdp: "c=IN IP4 1.1.1.1\nm=application 9 TCP/TLS/MS *\n", want: Media{Host: "1.1.1.1", Port: 9, TLS: true, Connection: "new"}},
		"MSRP only":           {sdp: "c=IN IP4 1.1.1.1\nm=message 9 TCP/MSRP *\na=setup:active\n", err: true},
		"bad port":            {sdp: "m=application 99999 TCP/MS *\n", err: true},
		"empty":               {sdp: "", err: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseSDP([]byte(tc.sdp))
			if (err != nil) != tc.err || err == nil && *got != tc.want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	if _, err := ParseSDP([]byte("m=audio 4000 RTP/AVP 0")); !errors.Is(err, ErrNoMSCP) {
		t.Errorf("without an m-line for us: %v", err)
	}
}

// TestSDPExamples holds the draft's session descriptions, and others, to what
// EXPECTED says each is good for, and what is wrong with it.
func TestSDPExamples(t *testing.T) {
	list, err := os.ReadFile(filepath.Join("testdata", "sdp", "EXPECTED"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		file, expected, _ := strings.Cut(strings.TrimSpace(line), " ")
		good, findings, _ := strings.Cut(expected, ": ")
		t.Run(file, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("testdata", "sdp", file))
			if err != nil {
				t.Fatal(err)
			}
			if got := goodFor(b); got != good {
				t.Errorf("good for %s", got)
			}
			var all string
			for _, f := range ValidateSDP(b) {
				all += f.String() + "\n"
			}
			if (all == "") != (findings == "") {
				t.Errorf("findings:\n%s", all)
			}
			for _, f := range strings.Split(findings, " | ") {
				if !strings.Contains(all, f) {
					t.Errorf("no finding %q in:\n%s", f, all)
				}
			}
		})
	}
}

// goodFor tells what a session description can be.
func goodFor(b []byte) string {
	m, err := ParseSDP(b)
	switch {
	case err != nil:
		return "none"
	case m.CheckOffer() == nil:
		return "offer"
	case m.CheckAnswer() == nil:
		return "answer"
	case m.CheckTLS("active") == nil:
		return "offer-tls"
	}
	return "neither"
}

// TestOwnSDP checks that what is written here breaks no rule.
func TestOwnSDP(t *testing.T) {
	for _, host := range []string{"192.0.2.1", "2001:db8::1", "ms.example.com"} {
		offer := NewOffer(host)
		offer.Connection = "existing"
		secure := &Media{Host: host, Port: 9, TLS: true, Setup: "active", Connection: "new", Fingerprint: Fingerprint([]byte("x"))}
		for _, m := range []*Media{NewOffer(host), NewOffer(host).Answer(host, 5000), offer, secure} {
			b, err := m.Marshal()
			if found := ValidateSDP(b); err != nil || len(found) > 0 {
				t.Errorf("%+v: %v, %v", m, found, err)
			}
		}
	}
}

func TestChecks(t *testing.T) {
	for name, tc := range map[string]struct {
		m      Media
		offer  bool
		answer bool
	}{
		"offer":   {Media{Host: "h", Port: 9, Setup: "active"}, true, false},
		"answer":  {Media{Host: "h", Port: 1000, Setup: "passive"}, false, true},
		"refused": {Media{Host: "h", Setup: "passive"}, false, false},
		"actpass": {Media{Host: "h", Port: 9, Setup: "actpass"}, false, false},
		"TLS":     {Media{Host: "h", Port: 9, Setup: "active", TLS: true}, false, false},
		"no host": {Media{Port: 9, Setup: "passive"}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tc.m.CheckOffer(); (err == nil) != tc.offer {
				t.Errorf("as an offer: %v", err)
			}
			if err := tc.m.CheckAnswer(); (err == nil) != tc.answer {
				t.Errorf("as an answer: %v", err)
			}
		})
	}
}

// FuzzSDP checks that what is read, and can be written, means the same when it
// is read again, and that whoever finds a fault in it keeps to its lines.
func FuzzSDP(f *testing.F) {
	testutil.Files(f, "testdata/sdp/*.sdp", func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, found := range ValidateSDP(b) {
			if found.Offset < 0 || found.Offset > int64(len(b)) || found.Line < 1 {
				t.Fatalf("%q: %+v", b, found)
			}
		}
		if answer, err := Reject(b, "127.0.0.1"); err == nil {
			if m, err := ParseSDP(answer); err == nil && m.Port != 0 {
				t.Fatalf("%q was refused with %q", b, answer)
			}
		}
		m, err := ParseSDP(b)
		if err != nil {
			return
		}
		out, err := m.Marshal()
		if err != nil {
			return
		}
		again, err := ParseSDP(out)
		if err != nil || *again != *m {
			t.Fatalf("%+v became %+v, %v", m, again, err)
		}
	})
}

// TestMarshalAnswer checks that an answer has the offer's m-lines, each in its
// place, and that only that of the channel is taken.
func TestMarshalAnswer(t *testing.T) {
	offer := "v=0\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\nm=application 9 TCP/MS\r\na=setup:active\r\nm=application 9 TCP/MS *\r\nm=video\r\n"
	m, err := ParseSDP([]byte(offer))
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.Answer("192.0.2.2", 32416).MarshalAnswer([]byte(offer))
	if err != nil {
		t.Fatal(err)
	}
	want := "m=audio 0 RTP/AVP 0\r\nm=application 32416 TCP/MS *\r\na=setup:passive\r\na=connection:new\r\nm=application 0 TCP/MS *\r\n"
	if head, media, _ := strings.Cut(string(out), "m="); "m="+media != want || !strings.Contains(head, "c=IN IP4 192.0.2.2\r\n") {
		t.Errorf("got\n%s", out)
	}
	if _, err := m.Answer("no address", 1).MarshalAnswer([]byte(offer)); err == nil {
		t.Error("a bad address is written")
	}
}

// TestOtherMediaLines checks that a channel is known by media, transport and port.
func TestOtherMediaLines(t *testing.T) {
	for line, ours := range map[string]bool{
		"application 9 TCP/MS *": true, "application 9 TCP/TLS/MS *": true, "application 9 TCP/MS": true,
		"message 9 TCP/MS *": false, "application 9 TCP/MSRP *": false, "application 9 UDP/MS *": false, "application 9": false, "": false,
	} {
		m, err := ParseSDP([]byte("v=0\r\nc=IN IP4 1.1.1.1\r\nm=" + line + "\r\na=setup:active\r\n"))
		if ours != (err == nil) || !ours && !errors.Is(err, ErrNoMSCP) {
			t.Errorf("%q: %+v, %v", line, m, err)
		}
	}
}
