package msrp

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// DefaultPort is the port of an MSRP URI without a port. See RFC 4975, section 15.4.
const DefaultPort = 2855

// URI is an MSRP or MSRPS URI. See RFC 4975, sections 6 and 9.
type URI struct {
	// Secure is true for the msrps scheme.
	Secure bool
	// User is the userinfo, without the "@"; usually "".
	User string
	// Host is a name or an IP address; an IPv6 address has no brackets here.
	Host string
	// Port is 1 to 65535, or 0 if the URI names none.
	Port int
	// SessionID is the session's secret name; "" in the URI of a relay.
	SessionID string
	// Transport is the transport parameter; "tcp" is the only one defined.
	Transport string
	// Params are the parameters after the transport, as received
	// ("name=value" or "name").
	Params []string
}

// SyntaxError is the place and the reason of a parse error.
type SyntaxError struct {
	// Rule is the name of the grammar rule that was not met.
	Rule string
	// Offset is the byte where it was not met, from the start of the input.
	Offset int
	// Problem is what was wrong.
	Problem string
}

// Error returns the problem in one line of text.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("msrp: %s at offset %d: %s", e.Rule, e.Offset, e.Problem)
}

func syntaxErr(rule string, offset int, problem string) error {
	return &SyntaxError{Rule: rule, Offset: offset, Problem: problem}
}

// ParseURI parses one MSRP URI. The error is a *SyntaxError.
// See RFC 4975, section 9, rule MSRP-URI.
func ParseURI(s string) (URI, error) {
	var u URI
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return URI{}, syntaxErr("MSRP-URI", 0, "no scheme")
	}
	switch {
	case strings.EqualFold(scheme, "msrp"):
	case strings.EqualFold(scheme, "msrps"):
		u.Secure = true
	default:
		return URI{}, syntaxErr("msrp-scheme", 0, "not msrp or msrps")
	}
	off := len(scheme) + 3
	end := strings.IndexAny(rest, "/;")
	if end < 0 {
		return URI{}, syntaxErr("transport", len(s), "no transport parameter")
	}
	if err := u.parseAuthority(rest[:end], off); err != nil {
		return URI{}, err
	}
	off += end
	rest = rest[end:]
	if rest[0] == '/' {
		end = strings.IndexByte(rest, ';')
		if end < 0 {
			return URI{}, syntaxErr("transport", len(s), "no transport parameter")
		}
		u.SessionID = rest[1:end]
		if u.SessionID == "" {
			return URI{}, syntaxErr("session-id", off+1, "empty")
		}
		if i := badByte(u.SessionID, isSessionIDByte); i >= 0 {
			return URI{}, syntaxErr("session-id", off+1+i, "byte not allowed")
		}
		off += end
		rest = rest[end:]
	}
	return u, u.parseParams(rest, off)
}

func (u *URI) parseAuthority(a string, off int) error {
	if i := strings.LastIndexByte(a, '@'); i >= 0 {
		u.User = a[:i]
		if j := badByte(u.User, isUserByte); j >= 0 {
			return syntaxErr("userinfo", off+j, "byte not allowed")
		}
		a, off = a[i+1:], off+i+1
	}
	port := ""
	if strings.HasPrefix(a, "[") {
		i := strings.IndexByte(a, ']')
		if i < 0 {
			return syntaxErr("IP-literal", off, "no closing bracket")
		}
		u.Host = a[1:i]
		if ip, err := netip.ParseAddr(u.Host); err != nil || !ip.Is6() || ip.Zone() != "" {
			return syntaxErr("IP-literal", off+1, "not an IPv6 address")
		}
		if i+1 < len(a) {
			if a[i+1] != ':' {
				return syntaxErr("authority", off+i+1, "expected a port")
			}
			port = a[i+2:]
			if port == "" {
				return syntaxErr("port", off+i+2, "empty")
			}
		}
	} else {
		host, p, hasPort := strings.Cut(a, ":")
		u.Host, port = host, p
		if hasPort && p == "" {
			return syntaxErr("port", off+len(host)+1, "empty")
		}
		if host == "" {
			return syntaxErr("host", off, "empty")
		}
		if i := badByte(host, isHostByte); i >= 0 {
			return syntaxErr("host", off+i, "byte not allowed")
		}
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || port[0] == '+' {
			return syntaxErr("port", off+len(a)-len(port), "not 1 to 65535")
		}
		u.Port = int(n)
	}
	return nil
}

func (u *URI) parseParams(rest string, off int) error {
	for first := true; rest != ""; first = false {
		end := strings.IndexByte(rest[1:], ';')
		if end < 0 {
			end = len(rest) - 1
		}
		p := rest[1 : 1+end]
		if p == "" {
			return syntaxErr("URI-parameter", off+1, "empty")
		}
		ok := isParamByte
		if first {
			ok = isAlnum
		}
		if i := badByte(p, ok); i >= 0 {
			return syntaxErr("URI-parameter", off+1+i, "byte not allowed")
		}
		if first {
			u.Transport = p
		} else {
			u.Params = append(u.Params, p)
		}
		rest, off = rest[1+end:], off+1+end
	}
	if u.Transport == "" {
		return syntaxErr("transport", off, "no transport parameter")
	}
	return nil
}

// String returns the URI in its form on the wire.
func (u URI) String() string {
	var b strings.Builder
	b.WriteString("msrp")
	if u.Secure {
		b.WriteByte('s')
	}
	b.WriteString("://")
	if u.User != "" {
		b.WriteString(u.User)
		b.WriteByte('@')
	}
	if strings.IndexByte(u.Host, ':') >= 0 {
		b.WriteByte('[')
		b.WriteString(u.Host)
		b.WriteByte(']')
	} else {
		b.WriteString(u.Host)
	}
	if u.Port != 0 {
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(u.Port))
	}
	if u.SessionID != "" {
		b.WriteByte('/')
		b.WriteString(u.SessionID)
	}
	b.WriteByte(';')
	if u.Transport == "" {
		b.WriteString("tcp") // [RFC4975-6-1]
	} else {
		b.WriteString(u.Transport)
	}
	for _, p := range u.Params {
		b.WriteByte(';')
		b.WriteString(p)
	}
	return b.String()
}

// Equal compares URIs as in RFC 4975, section 6.1: scheme, host, port and transport
// without regard to case (addresses by value), and the session-id with regard to case.
// Userinfo and further parameters are ignored.
func (u URI) Equal(v URI) bool {
	return u.Secure == v.Secure && // [RFC4975-6.1-1]
		u.SessionID == v.SessionID && // [RFC4975-6.1-4]
		u.Port == v.Port && // [RFC4975-6.1-3]
		strings.EqualFold(u.transport(), v.transport()) && // [RFC4975-6.1-5]
		sameHost(u.Host, v.Host) // [RFC4975-6.1-2]
}

func (u URI) transport() string {
	if u.Transport == "" {
		return "tcp"
	}
	return u.Transport
}

// address is the host and port to connect to.
func (u URI) address() string {
	port := u.Port
	if port == 0 {
		port = DefaultPort
	}
	return net.JoinHostPort(u.Host, strconv.Itoa(port))
}

func sameHost(a, b string) bool {
	a, b = unescapeUnreserved(a), unescapeUnreserved(b)
	if strings.EqualFold(a, b) {
		return true
	}
	x, err := netip.ParseAddr(a)
	if err != nil {
		return false
	}
	y, err := netip.ParseAddr(b)
	return err == nil && x == y
}

// unescapeUnreserved decodes the percent-escapes of characters that need none.
func unescapeUnreserved(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil && isUnreserved(byte(n)) {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// checkOwn refuses a URI that cannot be ours.
func (u URI) checkOwn() error {
	if u.Port == 0 && isAddress(u.Host) {
		return syntaxErr("port", 0, "missing behind a numeric address") // [RFC4975-6-2]
	}
	return Path{u}.checkWire()
}

func badByte(s string, ok func(byte) bool) int {
	for i := 0; i < len(s); i++ {
		if !ok(s[i]) {
			return i
		}
	}
	return -1
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

func isUnreserved(c byte) bool {
	return isAlnum(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

func isSessionIDByte(c byte) bool {
	// "%" is outside the grammar, but seen.
	return isUnreserved(c) || c == '+' || c == '=' || c == '/' || c == '%'
}

func isHostByte(c byte) bool {
	return isUnreserved(c) || c == '%' || c == '!' || c == '$' || c == '&' || c == '\'' ||
		c == '(' || c == ')' || c == '*' || c == '+' || c == ',' || c == '='
}

func isUserByte(c byte) bool { return isHostByte(c) || c == ':' || c == ';' }

func isParamByte(c byte) bool {
	return isAlnum(c) || c == '=' || strings.IndexByte("!#$%&'*+-.^_`|~:@/[]?,", c) >= 0
}
