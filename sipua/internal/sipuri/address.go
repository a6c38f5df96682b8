package sipuri

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// FromAddress returns the URI of one name-addr or addr-spec, unchanged. A display name,
// even a quoted one that looks like an address, and parameters after the angle brackets
// are not part of it. See RFC 3261, section 20.10.
func FromAddress(address string) (string, error) {
	s := strings.Trim(address, " \t")
	if strings.HasPrefix(s, `"`) {
		_, rest, ok := grammar.CutQuoted(s)
		if !ok {
			return "", fmt.Errorf("sipua: address %q: the display name has no closing quote", address)
		}
		if s = strings.TrimLeft(rest, " \t"); !strings.HasPrefix(s, "<") {
			return "", fmt.Errorf("sipua: address %q: no < after the display name", address)
		}
	}
	name, rest, ok := strings.Cut(s, "<")
	if !ok {
		return s, nil
	}
	if strings.ContainsAny(name, `"<>`) {
		return "", fmt.Errorf("sipua: address %q: a quote within the display name", address)
	}
	uri, params, ok := strings.Cut(rest, ">")
	if !ok {
		return "", fmt.Errorf("sipua: address %q: < without >", address)
	}
	if params = strings.TrimLeft(params, " \t"); params != "" && params[0] != ';' {
		return "", fmt.Errorf("sipua: address %q: %w", address, errBehindAddress)
	}
	return uri, nil
}

var errBehindAddress = errors.New("text other than parameters after the >")
