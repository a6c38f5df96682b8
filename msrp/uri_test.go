package msrp

import (
	"errors"
	"strings"
	"testing"
)

func TestParseURI(t *testing.T) {
	for _, test := range []struct {
		in   string
		want URI
		out  string // "" is in
	}{
		{"msrp://atlanta.example.com:7654/jshA7weztas;tcp",
			URI{Host: "atlanta.example.com", Port: 7654, SessionID: "jshA7weztas", Transport: "tcp"}, ""},
		{"MSRPS://bob@[2001:db8::1]:9000/a+b=c/d~;tcp;x=1;y",
			URI{Secure: true, User: "bob", Host: "2001:db8::1", Port: 9000, SessionID: "a+b=c/d~",
				Transport: "tcp", Params: []string{"x=1", "y"}}, "msrps://bob@[2001:db8::1]:9000/a+b=c/d~;tcp;x=1;y"},
		{"msrps://relay.example.org;tcp", URI{Secure: true, Host: "relay.example.org", Transport: "tcp"}, ""},
		{"msrp://example.com:12970;tcp", URI{Host: "example.com", Port: 12970, Transport: "tcp"}, ""},
		{"msrp://h%41st/s;sctp", URI{Host: "h%41st", SessionID: "s", Transport: "sctp"}, ""},
	} {
		u, err := ParseURI(test.in)
		if err != nil {
			t.Errorf("%s: %v", test.in, err)
			continue
		}
		out := test.out
		if out == "" {
			out = test.in
		}
		if u.String() != out || !u.Equal(test.want) || u.User != test.want.User || len(u.Params) != len(test.want.Params) {
			t.Errorf("%s: got %+v, %s", test.in, u, u)
		}
	}
}

func TestURIHasTransport(t *testing.T) {
	for want, u := range map[string]URI{
		"msrp://a.example:1/s;tcp": {Host: "a.example", Port: 1, SessionID: "s"}, "msrps://a.example;ws": {Secure: true, Host: "a.example", Transport: "ws"},
	} {
		if got := u.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestParseURIRefuses(t *testing.T) {
	for in, rule := range map[string]string{
		"":                             "MSRP-URI",
		"sip://a/b;tcp":                "msrp-scheme",
		"msrp://a/b":                   "transport",
		"msrp://a":                     "transport",
		"msrp:///b;tcp":                "host",
		"msrp://a:/b;tcp":              "port",
		"msrp://a:0/b;tcp":             "port",
		"msrp://a:65536/b;tcp":         "port",
		"msrp://a:+1/b;tcp":            "port",
		"msrp://a:12x/b;tcp":           "port",
		"msrp://a/;tcp":                "session-id",
		"msrp://a/b c;tcp":             "session-id",
		"msrp://a/b\x00;tcp":           "session-id",
		"msrp://a/b;":                  "URI-parameter",
		"msrp://a/b;;tcp":              "URI-parameter",
		"msrp://a/b;tcp;":              "URI-parameter",
		"msrp://a/b;tcp;x y":           "URI-parameter",
		"msrp://[::1/b;tcp":            "IP-literal",
		"msrp://[1.2.3.4]/b;tcp":       "IP-literal",
		"msrp://[fe80::1%25eth0]/;tcp": "IP-literal",
		"msrp://[::1]9/b;tcp":          "authority",
		"msrp://[::1]:/b;tcp":          "port",
		"msrp://a<b/c;tcp":             "host",
		"msrp://u r@a/c;tcp":           "userinfo",
	} {
		_, err := ParseURI(in)
		var se *SyntaxError
		if !errors.As(err, &se) || se.Rule != rule {
			t.Errorf("%q: got %v, want %s", in, err, rule)
		}
	}
}

func TestURIEqual(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"msrp://host.example.com:8493/asfd34;tcp", "MSRP://HOST.example.com:8493/asfd34;TCP", true},
		{"msrp://host.example.com:8493/asfd34;tcp", "msrp://host.example.com:8493/ASFD34;tcp", false},
		{"msrp://host.example.com:8493/asfd34;tcp", "msrps://host.example.com:8493/asfd34;tcp", false},
		{"msrp://host.example.com:8493/asfd34;tcp", "msrp://host.example.com:8494/asfd34;tcp", false},
		{"msrp://host.example.com:8493/asfd34;tcp", "msrp://host.example.com/asfd34;tcp", false},
		{"msrp://host.example.com:8493/asfd34;tcp", "msrp://host.example.com:8493;tcp", false},
		{"msrp://host.example.com:8493/asfd34;tcp", "msrp://host.example.com:8493/asfd34;sctp", false},
		{"msrp://host.example.com:8493/asfd34;tcp", "msrp://alice@host.example.com:8493/asfd34;tcp;x=y", true},
		{"msrp://host.example.com:8493/asfd34;tcp", "msrp://h%6Fst.example.com:8493/asfd34;tcp", true},
		{"msrp://[2001:db8::1]:9/s;tcp", "msrp://[2001:DB8:0:0:0:0:0:1]:9/s;tcp", true},
		{"msrp://[2001:db8::1]:9/s;tcp", "msrp://[2001:db8::2]:9/s;tcp", false},
		{"msrp://10.0.0.1:9/s;tcp", "msrp://10.0.0.2:9/s;tcp", false},
	} {
		a, b := testURI(t, test.a), testURI(t, test.b)
		if a.Equal(b) != test.want || b.Equal(a) != test.want {
			t.Errorf("%s, %s: not %v", a, b, test.want)
		}
	}
}

func TestParsePath(t *testing.T) {
	p, err := ParsePath(" msrp://a:1/x;tcp  msrps://b;tcp\t")
	if err != nil || len(p) != 2 || p.String() != "msrp://a:1/x;tcp msrps://b;tcp" {
		t.Fatalf("got %v, %v", p, err)
	}
	_, err = ParsePath("msrp://a:1/x;tcp msrp://b:0/x;tcp")
	var se *SyntaxError
	if !errors.As(err, &se) || se.Offset != 26 {
		t.Fatalf("got %v", err)
	}
	for _, in := range []string{"", "  ", strings.Repeat("msrp://a/b;tcp ", MaxPathURIs+1)} {
		if _, err := ParsePath(in); err == nil {
			t.Errorf("%q taken", in)
		}
	}
}

func FuzzURI(f *testing.F) {
	for _, s := range []string{
		"msrp://atlanta.example.com:7654/jshA7weztas;tcp",
		"msrps://bob@[2001:db8::1]:9000/a+b=c/d~;tcp;x=1;y msrp://h%41;tcp",
		"msrp://127.0.0.1:12970/msrp-6b039fb7-154d-1;tcp",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePath(s)
		if err != nil {
			return
		}
		q, err := ParsePath(p.String())
		if err != nil || len(q) != len(p) || q.String() != p.String() {
			t.Fatalf("%q: %v, %v, %v", s, p, q, err)
		}
		for i := range p {
			if !p[i].Equal(q[i]) {
				t.Fatalf("%q: %v is not %v", s, p[i], q[i])
			}
		}
	})
}
