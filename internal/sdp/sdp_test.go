package sdp

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	pion "github.com/pion/sdp/v3"
)

func TestLines(t *testing.T) {
	body := "v=0\r\n m= audio \t\n\nnonsense\r\n=\x01\na=x"
	var got []string
	for l := range Lines([]byte(body)) {
		if l.Raw != body[l.Offset:int(l.Offset)+len(l.Raw)] {
			t.Errorf("line %d: %q at %d", l.Number, l.Raw, l.Offset)
		}
		got = append(got, fmt.Sprintf("%d %d %q", l.Number, l.Kind, l.Value))
	}
	want := []string{`1 118 "0"`, `2 109 "audio"`, `3 0 ""`, `4 0 "nonsense"`, `5 0 "=\x01"`, `6 97 "x"`}
	if !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
	for range Lines([]byte(body)) {
		break // must not go on
	}
}

func TestMedia(t *testing.T) {
	m, ok := ReadMedia("Message 9/2 tcp/msrp")
	if port, number := m.Number(); !ok || !number || port != 9 || !m.Is("message", "TCP/MSRP") || m.Is("message", "TCP/TLS/MSRP") {
		t.Errorf("%+v", m)
	}
	for _, bad := range []string{"", "message", "message 9"} {
		if _, ok := ReadMedia(bad); ok {
			t.Errorf("%q was taken", bad)
		}
	}
	for _, bad := range []string{"", "x", "-1", "65536", "/2"} {
		if _, ok := (Media{Port: bad}).Number(); ok {
			t.Errorf("port %q was taken", bad)
		}
	}
}

func TestHost(t *testing.T) {
	for value, want := range map[string]string{
		"IN IP4 192.0.2.1": "192.0.2.1", "IN IP4 224.2.1.1/127/3": "224.2.1.1", "IN 192.0.2.1": "192.0.2.1",
		"IN IP6 2001:db8::1": "2001:db8::1", "IN IP4 192.0.2.1 more": "192.0.2.1", "": "", "IN": "",
	} {
		if got := Host(value); got != want {
			t.Errorf("Host(%q) is %q", value, got)
		}
	}
}

func TestOriginAndTiming(t *testing.T) {
	if o, ok := ReadOrigin("- 7 8 IN IP4 host"); !ok || o != (Origin{7, 8, "host"}) {
		t.Errorf("%+v, %v", o, ok)
	}
	if o, ok := ReadOrigin("- abc abd"); !ok || o.ID == 0 || o.ID == o.Version || o.Host != "" {
		t.Errorf("%+v, %v", o, ok)
	}
	if _, ok := ReadOrigin("- 7"); ok {
		t.Error("an origin without a version was taken")
	}
	for value, want := range map[string]bool{"0 0": true, "1 22": true, "0": false, "0 x": false, "-1 0": false, "0 0 0": false, "": false} {
		if IsTiming(value) != want {
			t.Errorf("IsTiming(%q) is %v", value, !want)
		}
	}
}

// TestWrite reads what is written.
func TestWrite(t *testing.T) {
	var b bytes.Buffer
	Head{Origin: Origin{1, 2, "::1"}, Name: "x"}.Write(&b)
	Media{Type: "message", Port: "9", Proto: "TCP/MSRP"}.Write(&b)
	WriteAttribute(&b, "setup", "active")
	WriteAttribute(&b, "sendonly", "")
	Media{Type: "audio", Port: "4000", Proto: "RTP/AVP", Formats: []string{"0", "8"}}.Refuse(&b)
	want := "v=0\r\no=- 1 2 IN IP6 ::1\r\ns=x\r\nc=IN IP6 ::1\r\nt=0 0\r\nm=message 9 TCP/MSRP *\r\na=setup:active\r\na=sendonly\r\nm=audio 0 RTP/AVP 0 8\r\n"
	if b.String() != want {
		t.Errorf("%q, not %q", b.String(), want)
	}
	var ports []string
	for m := range MediaLines(b.Bytes()) {
		ports = append(ports, m.Port)
	}
	if !slices.Equal(ports, []string{"9", "0"}) {
		t.Errorf("ports %q", ports)
	}
}

// TestForeignReader has pion/sdp read what is written, and shows what it does not read:
// the reasons for the reader of this package.
func TestForeignReader(t *testing.T) {
	const good = "v=0\r\no=- 1 2 IN IP4 a\r\ns=-\r\nc=IN IP4 a\r\nt=0 0\r\nm=message 9 TCP/MSRP *\r\na=path:msrp://a:9/x;tcp\r\n"
	read := func(s string) error { return new(pion.SessionDescription).UnmarshalString(s) }
	var b bytes.Buffer
	Head{Origin: Origin{1, 2, "a"}}.Write(&b)
	Media{Type: "message", Port: "9", Proto: "TCP/MSRP"}.Write(&b)
	WriteAttribute(&b, "path", "msrp://a:9/x;tcp")
	if err := read(b.String()); err != nil || b.String() != good {
		t.Errorf("%v\n%s", err, &b)
	}
	for what, s := range map[string]string{
		"TCP/MS":           strings.Replace(good, "TCP/MSRP", "TCP/MS", 1),
		"no address type":  strings.Replace(good, "c=IN IP4 a", "c=IN a", 1),
		"another order":    strings.Replace(good, "s=-\r\nc=IN IP4 a\r\n", "c=IN IP4 a\r\ns=-\r\n", 1),
		"no t=":            strings.Replace(good, "t=0 0\r\n", "", 1),
		"no last line end": strings.TrimSuffix(good, "\r\n"),
	} {
		if read(s) == nil {
			t.Errorf("%s: pion/sdp reads it", what)
		}
		media := slices.Collect(MediaLines([]byte(s)))
		if len(media) != 1 || media[0].Port != "9" {
			t.Errorf("%s: %+v", what, media)
		}
	}
}
