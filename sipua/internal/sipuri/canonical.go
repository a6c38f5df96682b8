// Package sipuri brings SIP, SIPS and tel URIs into one form in which they can be
// compared.
package sipuri

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// Max bounds a URI in its canonical form, in bytes.
const Max = 512

// ErrTooLong says that a URI is longer than Max.
var ErrTooLong = errors.New("sipua: URI too long")

// Canonical returns the canonical form of a SIP, SIPS or tel URI, or of a name-addr with
// one. Users are compared and stored by it. Scheme and host are in lower case. A default
// port, parameters, headers and a password are removed. Percent-escapes are in upper case
// and only where they are needed. The user part keeps its case. A form of more than Max
// bytes is an ErrTooLong. See RFC 3261, section 19.1.4.
func Canonical(s string) (string, error) {
	uri, err := FromAddress(strings.TrimSpace(s))
	if err != nil {
		return "", err
	}
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok {
		return "", fmt.Errorf("sipua: URI %q: no scheme", s)
	}
	var canonical string
	switch scheme = strings.ToLower(scheme); scheme {
	case "sip", "sips":
		canonical, err = canonicalSIP(scheme, rest)
	case "tel":
		canonical, err = canonicalTel(rest)
	default:
		err = fmt.Errorf("scheme %q is none of sip, sips and tel", scheme)
	}
	if err != nil {
		return "", fmt.Errorf("sipua: URI %q: %w", s, err)
	}
	if len(canonical) > Max {
		return "", fmt.Errorf("%w: it begins with %.40s", ErrTooLong, canonical)
	}
	return canonical, nil
}

func canonicalSIP(scheme, rest string) (string, error) {
	user, hostport := "", rest
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		user, hostport = rest[:i], rest[i+1:]
		if user == "" {
			return "", errors.New("empty user before @")
		}
	}
	if i := strings.IndexAny(hostport, ";?"); i >= 0 {
		hostport = hostport[:i]
	}
	host, err := canonicalHost(scheme, hostport)
	if err != nil {
		return "", err
	}
	if user == "" {
		return scheme + ":" + host, nil
	}
	if user, _, _ = strings.Cut(user, ":"); user == "" { // the password does not identify the user
		return "", errors.New("empty user before the password")
	}
	if user, err = canonicalUser(user); err != nil {
		return "", err
	}
	return scheme + ":" + user + "@" + host, nil
}

func canonicalHost(scheme, hostport string) (string, error) {
	host, port := hostport, ""
	switch {
	case strings.HasPrefix(hostport, "["):
		end := strings.IndexByte(hostport, ']')
		if end < 0 || net.ParseIP(hostport[1:end]) == nil {
			return "", errors.New("no IPv6 address in [ ]")
		}
		host, port = hostport[:end+1], strings.TrimPrefix(hostport[end+1:], ":")
	default:
		host, port, _ = strings.Cut(hostport, ":")
		for _, c := range []byte(host) {
			if !grammar.IsAlnum(c) && c != '-' && c != '.' && c != '_' {
				return "", fmt.Errorf("%q in the host", c)
			}
		}
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "" || strings.HasPrefix(host, ".") || strings.HasSuffix(host, ".") || strings.Contains(host, "..") {
		return "", fmt.Errorf("no host in %q", hostport)
	}
	if port == "" {
		return host, nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", fmt.Errorf("port %q is not between 1 and 65535", port)
	}
	if scheme == "sip" && n == 5060 || scheme == "sips" && n == 5061 {
		return host, nil
	}
	return host + ":" + strconv.FormatUint(n, 10), nil
}

// unescaped are the characters of a user part that stand for themselves, beside
// letters and digits: unreserved and user-unreserved of RFC 3261, section 25.1.
const unescaped = "-_.!~*'()&=+$,;?/"

func canonicalUser(user string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(user); i++ {
		c := user[i]
		if c == '%' {
			if i+2 >= len(user) {
				return "", errors.New("% without two hexadecimal digits")
			}
			v, err := strconv.ParseUint(user[i+1:i+3], 16, 8)
			if err != nil {
				return "", errors.New("% without two hexadecimal digits")
			}
			c = byte(v)
			i += 2
		} else if c <= ' ' || c == 0x7f || strings.IndexByte(`<>"@`, c) >= 0 {
			return "", fmt.Errorf("%q in the user", c)
		}
		if grammar.IsAlnum(c) || strings.IndexByte(unescaped, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String(), nil
}

func canonicalTel(rest string) (string, error) {
	number, _, _ := strings.Cut(rest, ";")
	number = strings.NewReplacer("-", "", ".", "", "(", "", ")", "").Replace(strings.ToLower(number))
	if strings.Trim(number, "+0123456789abcdef*#") != "" || strings.Trim(number, "+") == "" {
		return "", errors.New("not a telephone number")
	}
	return "tel:" + number, nil
}
