package msrp

import (
	"errors"
	"strings"
	"testing"
)

// Descriptions that are not quite right and are understood all the same.
func TestParseSDPTakes(t *testing.T) {
	const media = "m=message 9 TCP/MSRP *\r\na=accept-types:*\r\na=path:msrp://192.0.2.7:9/s1;tcp\r\na=setup:active\r\n"
	const o, s, c, tm = "o=- 1 1 IN IP4 192.0.2.7\r\n", "s=-\r\n", "c=IN IP4 192.0.2.7\r\n", "t=0 0\r\n"
	for name, body := range map[string]string{
		"in order":            "v=0\r\n" + o + s + c + tm + media,
		"t= before c=":        "v=0\r\n" + o + s + tm + c + media,
		"c= before s=":        "v=0\r\n" + c + o + s + tm + media,
		"o= with a hex id":    "v=0\r\no=- 5af31c 1 IN IP4 192.0.2.7\r\n" + s + c + tm + media,
		"o= with a - id":      "v=0\r\no=- -5 -1 IN IP4 192.0.2.7\r\n" + s + c + tm + media,
		"o= of 25 digits":     "v=0\r\no=- 1234567890123456789012345 1 IN IP4 192.0.2.7\r\n" + s + c + tm + media,
		"o= cut":              "v=0\r\no=-\r\n" + s + c + tm + media,
		"unknown letter":      "v=0\r\n" + o + s + c + tm + media + "y=0382007372\r\nf=v/////a/1/8/1\r\n",
		"unknown in front":    "v=0\r\n" + o + s + "x=1\r\n" + c + tm + media,
		"no v=":               o + s + c + tm + media,
		"no o=":               "v=0\r\n" + s + c + tm + media,
		"no s=":               "v=0\r\n" + o + c + tm + media,
		"no t=":               "v=0\r\n" + o + s + c + media,
		"the line alone":      media + c,
		"empty s=":            "v=0\r\n" + o + "s=\r\n" + c + tm + media,
		"t= that is none":     "v=0\r\n" + o + s + c + "t=now\r\n" + media,
		"b=, k=, z=, r=":      "v=0\r\n" + o + s + c + "b=AS:64\r\nb=odd\r\n" + tm + "r=7d 1h 0\r\nz=0 0\r\nk=prompt\r\n" + media,
		"blank lines":         "v=0\r\n\r\n" + o + s + c + tm + "\r\n" + media + "\r\n\r\n",
		"blanks at the end":   "v=0  \r\n" + o + "s= \r\n" + c + tm + strings.ReplaceAll(media, "\r\n", " \t\r\n"),
		"no last line end":    "v=0\r\n" + o + s + c + tm + strings.TrimSuffix(media, "\r\n"),
		"c= in the media":     "v=0\r\n" + o + s + tm + media + c,
		"two c= in the media": "v=0\r\n" + o + s + tm + media + c + c,
		"multicast c=":        "v=0\r\n" + o + s + "c=IN IP4 192.0.2.7/127\r\n" + tm + media,
		"attribute names":     "v=0\r\n" + o + s + c + tm + strings.ReplaceAll(media, "a=path", "a=Path"),
		"max-size too big":    "v=0\r\n" + o + s + c + tm + media + "a=max-size:99999999999999999999999\r\n",
		"max-size of words":   "v=0\r\n" + o + s + c + tm + media + "a=max-size:unlimited\r\na=max-size:-5\r\n",
		"unknown setup":       "v=0\r\n" + o + s + c + tm + media + "a=setup:sideways\r\n",
		"NUL in an attribute": "v=0\r\n" + o + s + c + tm + media + "a=x:\x00\r\n",
		"odd values":          "v=0\r\n" + o + s + c + tm + media + "a=connection\r\na=fingerprint\r\na=:x\r\na=\r\na=accept-types:\r\n",
	} {
		for end, body := range map[string]string{"CRLF": body, "LF": strings.ReplaceAll(body, "\r\n", "\n")} {
			m, err := ParseSDP([]byte(body))
			if err != nil {
				t.Errorf("%s, %s: %v", name, end, err)
				continue
			}
			if m.Path.String() != "msrp://192.0.2.7:9/s1;tcp" || m.Port != 9 || m.Host != "192.0.2.7" || m.Setup != SetupActive ||
				m.MaxSize != 0 || len(m.AcceptTypes) != 1 {
				t.Errorf("%s, %s: got %+v", name, end, m)
			}
			answer, err := (&Media{Port: 5, Path: Path{{Host: "a", Port: 5, SessionID: "x"}}}).Answer([]byte(body))
			if err != nil {
				t.Errorf("%s, %s: no answer: %v", name, end, err)
			} else if _, err := ParseSDP(answer); err != nil || strings.ContainsRune(string(answer), 0) {
				t.Errorf("%s, %s: answered %q, %v", name, end, answer, err)
			}
		}
	}
}

// The ids of an o= line can be compared, whatever they look like.
func TestOriginOfOddNumbers(t *testing.T) {
	ids := map[uint64]string{}
	for _, id := range []string{"5af31c", "-5", "1234567890123456789012345", "7", "5af31d"} {
		m, err := ParseSDP(crlf("v=0", "o=- "+id+" "+id+" IN IP4 192.0.2.7", "m=message 0 TCP/MSRP *"))
		if err != nil || m.SessionID == 0 || m.SessionID != m.SessionVersion {
			t.Errorf("%s: %+v, %v", id, m, err)
			continue
		}
		if other, twice := ids[m.SessionID]; twice {
			t.Errorf("%s is as good as %s", id, other)
		}
		ids[m.SessionID] = id
	}
	if ids[7] != "7" {
		t.Errorf("got %v", ids)
	}
}

// What cannot be taken is named by its line and rule.
func TestSDPErrorsNameTheLine(t *testing.T) {
	head := "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
	for body, want := range map[string]string{
		head + "hello\r\n":                                          "sdp: line 5: line: not a type, \"=\" and a value",
		head + "m=message\r\n":                                      "sdp: line 5: m=: media, port or proto missing",
		head + "m=message x TCP/MSRP *":                             "sdp: line 5: m=: port is not 0 to 65535",
		head + "\r\nm=message 5 TCP/MSRP":                           "sdp: line 6: m=message: no a=path below it",
		head + "m=message 5 TCP/MSRP *\r\na=path:msrp://a/b":        "sdp: line 6: a=path: transport at offset 10: no transport parameter",
		head + "m=message 5 TCP/MSRP *\r\na=setup:x\r\na=path:\r\n": "sdp: line 7: a=path: path at offset 0: empty",
		"v=2\r\n":                           "sdp: line 1: v=: not version 0",
		strings.Repeat("a=x\n", MaxSDP/4+1): "sdp: session description: more than 65536 bytes",
	} {
		_, err := ParseSDP([]byte(body))
		var se *SDPError
		if !errors.As(err, &se) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	_, err := ParseSDP([]byte(head + "m=message 5 TCP/MSRP *\r\na=path:msrp://a/b"))
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || syntax.Offset != 10 {
		t.Errorf("got %v", err)
	}
}

// No literal brings lines of its own into a description, or what is not read
// back as it is.
func TestMediaLiteralsAreChecked(t *testing.T) {
	good := URI{Host: "a", Port: 5, SessionID: "x"}
	for name, spoil := range map[string]func(*Media){
		"line end in a path":         func(m *Media) { m.Path[0].SessionID = "x;tcp\r\na=inactive\r\na=y:" },
		"blank in a path":            func(m *Media) { m.Path[0].SessionID = "x y" },
		"slash in a host":            func(m *Media) { m.Path[0].Host, m.Host = "a/b", "a/b" },
		"transport with a parameter": func(m *Media) { m.Path[0].Transport = "tcp;x" },
		"line end in a parameter":    func(m *Media) { m.Path[0].Params = []string{"x\r\na=y"} },
		"port beyond its range":      func(m *Media) { m.Path[0].Port, m.Port = 70000, 70000 },
		"line end in the host":       func(m *Media) { m.Path, m.Port, m.Host = nil, 0, "a\r\na=x" },
		"blank in a type":            func(m *Media) { m.AcceptTypes = []string{"text/plain text/html"} },
		"empty type":                 func(m *Media) { m.AcceptWrappedTypes = []string{""} },
		"line end in the setup":      func(m *Media) { m.Setup = "active\r\na=x" },
		"unknown direction":          func(m *Media) { m.Direction = "both" },
		"fingerprint without hash":   func(m *Media) { m.Fingerprints = []string{"AB:CD"} },
		"negative size":              func(m *Media) { m.MaxSize = -1 },
		"too many relays": func(m *Media) {
			m.Path = append(make(Path, 0, 20), good)
			for len(m.Path) < 17 {
				m.Path = append(m.Path, good)
			}
		},
	} {
		m := &Media{Port: 5, Path: Path{good}}
		spoil(m)
		if b, err := m.Offer(); err == nil {
			t.Errorf("%s: %q", name, b)
		}
	}
}
