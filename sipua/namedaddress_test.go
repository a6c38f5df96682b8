package sipua

import (
	"strings"
	"testing"
)

func TestAddressesIn(t *testing.T) {
	for name, want := range map[string]string{
		"": "", "Alice": "", "Alice @ Work": "", "alice@work": "", "@alice": "", "Re: sip": "", "Smith, J. (Dr.)": "", "sip:": "", "10:30 a.m.": "",
		"boss@example.com":            "sip:boss@example.com",
		"The Boss (boss@example.com)": "sip:boss@example.com",
		"boss@localhost":              "sip:boss@localhost",
		"boss@[::1]":                  "sip:boss@[::1",
		"SIP:boss":                    "SIP:boss",
		"tel:+1":                      "tel:+1",
		"boss\uff20example\uff0ecom":  "sip:boss@example.com",
		"a@b.c d@e.f":                 "sip:a@b.c sip:d@e.f",
	} {
		if got := strings.Join(AddressesIn(name), " "); got != want {
			t.Errorf("AddressesIn(%q) is %q, want %q", name, got, want)
		}
	}
}
