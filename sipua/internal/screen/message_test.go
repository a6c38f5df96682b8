package screen

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
)

// TestScreenTidies holds what sipgo gets of headers that have blanks in places
// where its parser expects none.
func TestScreenTidies(t *testing.T) {
	raw, err := os.ReadFile("../../testdata/rfc4475/wsinv.dat")
	if err != nil {
		t.Fatal(err)
	}
	clean, _, f := Check(raw, true)
	if f != nil {
		t.Fatal(f)
	}
	for name, want := range map[string]string{
		"TO": "sip:vivekg@chair-dnrc.example.com;tag=1918181833n", "from": `"J Rosenberg \\\"" <sip:jdrosen@example.com>;tag=98asjd8`,
		"Via": "SIP/2.0/UDP 192.0.2.2;branch=390skdjuw", "v": "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8,SIP/2.0/UDP 192.168.255.111;branch=z9hG4bK30239",
		"m": "<sip:jdrosen@example.com>;newparam=newvalue;secondparam;q=0.33", "cseq": "0009 INVITE", "Content-Length": "150",
		"Route": "<sip:services.example.com;lr;unknownwith=value;unknown-no-value>", "NewFangledHeader": "newfangled value continued newfangled value",
	} {
		if got := field(string(clean), name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if _, body, _ := strings.Cut(string(clean), "\r\n\r\n"); len(body) != 150 {
		t.Errorf("the body has %d bytes", len(body))
	}
	good := []byte(options)
	if clean, _, f := Check(good, false); f != nil || &clean[0] != &good[0] || len(clean) != len(good) {
		t.Error("a message without blanks was copied")
	}
}

// FuzzScreen holds that what is screened stays within what came, and is not
// changed by being screened again.
func FuzzScreen(f *testing.F) {
	testutil.Files(f, "../../testdata/rfc4475/*.dat", func(b []byte) { f.Add(b, true) })
	f.Add([]byte(options), false)
	f.Fuzz(func(t *testing.T, raw []byte, datagram bool) {
		clean, m, flaw := Check(raw, datagram)
		if flaw != nil {
			flaw.Answer(m, "INVITE")
			return
		}
		if len(clean) > len(raw) {
			t.Fatalf("%d bytes became %d", len(raw), len(clean))
		}
		again, _, flaw := Check(clean, datagram)
		if m != nil && (flaw != nil || !bytes.Equal(again, clean)) {
			t.Fatalf("%q became %q, then %q, %v", raw, clean, again, flaw)
		}
	})
}

// field is the value of a message's first header of that name.
func field(message, name string) string {
	for line := range strings.SplitSeq(message, "\r\n") {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(k, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

const options = "OPTIONS sip:test@x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=t\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
