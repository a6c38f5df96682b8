package msrp

import "strings"

// Path is a list of URIs from the next hop to the far end, as in To-Path, From-Path and
// the SDP attribute path. See RFC 4975, sections 6 and 8.
type Path []URI

// ParsePath parses URIs separated by blanks, at least one, at most
// MaxPathURIs. The error is a *SyntaxError.
func ParsePath(s string) (Path, error) {
	var p Path
	for i := 0; i < len(s); { // more than one URI are relays [RFC4975-8.3-1]
		if s[i] == ' ' || s[i] == '\t' {
			i++
			continue
		}
		end := strings.IndexAny(s[i:], " \t")
		if end < 0 {
			end = len(s) - i
		}
		if len(p) == MaxPathURIs {
			return nil, syntaxErr("path", i, "too many URIs")
		}
		u, err := ParseURI(s[i : i+end])
		if err != nil {
			err.(*SyntaxError).Offset += i
			return nil, err
		}
		p = append(p, u)
		i += end
	}
	if len(p) == 0 {
		return nil, syntaxErr("path", 0, "empty")
	}
	return p, nil
}

// String returns the URIs, separated by single blanks.
func (p Path) String() string {
	var b strings.Builder
	for i, u := range p {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(u.String())
	}
	return b.String()
}

// checkWire refuses a path that cannot be written so that ParsePath reads the same:
// one with a byte that does not belong there, or with too many URIs.
func (p Path) checkWire() error {
	if len(p) > MaxPathURIs {
		return syntaxErr("path", 0, "too many URIs")
	}
	size := 0
	for _, u := range p {
		s := u.String()
		back, err := ParseURI(s)
		if err != nil {
			return err
		}
		if back.String() != s || !back.Equal(u) {
			return syntaxErr("MSRP-URI", 0, "not what its parts say")
		}
		size += len(s) + 1
	}
	if size > maxPath {
		return syntaxErr("path", maxPath, "too long")
	}
	return nil
}
