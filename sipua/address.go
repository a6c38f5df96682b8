package sipua

import (
	"crypto/rand"
	"fmt"

	"github.com/emiago/sipgo/sip"
)

func parseFrom(s string) (*sip.FromHeader, error) {
	h := &sip.FromHeader{}
	name, err := sip.ParseAddressValue(bracketed(s), &h.Address, nil)
	if err != nil {
		return nil, fmt.Errorf("sipua: From %q: %w", s, err)
	}
	h.DisplayName = name
	return h, nil
}

func parseTo(s string) (*sip.ToHeader, error) {
	h := &sip.ToHeader{}
	name, err := sip.ParseAddressValue(bracketed(s), &h.Address, nil)
	if err != nil {
		return nil, fmt.Errorf("sipua: To %q: %w", s, err)
	}
	h.DisplayName = name
	return h, nil
}

// bracketed puts a bare URI in angle brackets, so that its parameters are its
// own.
func bracketed(s string) string {
	for i := range len(s) {
		if s[i] == '<' {
			return s
		}
	}
	return "<" + s + ">"
}

// token is a random token for tags and Call-IDs, of 130 bits.
func token() string { return rand.Text() }
