package sipua

import "testing"

func TestDestinations(t *testing.T) {
	for s, want := range map[string]target{
		"127.0.0.1:5060":                  {"127.0.0.1:5060", "UDP"},
		"proxy.example.com":               {"proxy.example.com:5060", "UDP"},
		"127.0.0.1:24060;transport=tcp":   {"127.0.0.1:24060", "TCP"},
		"sip:127.0.0.1:24060;lr":          {"127.0.0.1:24060", "UDP"},
		"SIP:127.0.0.1:24060;lr":          {"127.0.0.1:24060", "UDP"},
		"<sip:127.0.0.1:24060;lr>":        {"127.0.0.1:24060", "UDP"},
		"<sip:127.0.0.1;transport=TCP>":   {"127.0.0.1:5060", "TCP"},
		`"proxy" <sips:p.example.com>`:    {"p.example.com:5061", "TLS"},
		"sip:user@127.0.0.1:5070;lr":      {"127.0.0.1:5070", "UDP"},
		"[2001:db8::1]:5060":              {"[2001:db8::1]:5060", "UDP"},
		"<sip:[2001:db8::1];lr>":          {"[2001:db8::1]:5060", "UDP"},
		"sip:127.0.0.1:24060":             {"127.0.0.1:24060", "UDP"},
		"":                                {},
		"<sip:127.0.0.1":                  {},
		"sip:127.0.0.1:port":              {},
		"127.0.0.1:99999":                 {},
		"127.0.0.1;transport=ws":          {},
		"127.0.0.1;transport=":            {},
		"http://127.0.0.1":                {},
		"<sip:127.0.0.1>,<sip:127.0.0.2>": {},
	} {
		got, err := parseDestination(s)
		if got != want || (err == nil) != (want.addr != "") {
			t.Errorf("%q: %+v, %v, want %+v", s, got, err, want)
		}
	}
}
