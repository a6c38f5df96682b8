package grammar

import "strings"

// IsToken reports whether s is a token. See RFC 3261, section 25.1.
func IsToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

// CutToken cuts the token off the beginning of s; it is empty if there is none.
func CutToken(s string) (token, rest string) {
	n := 0
	for n < len(s) && isTokenByte(s[n]) {
		n++
	}
	return s[:n], s[n:]
}

func isTokenByte(c byte) bool {
	return IsAlnum(c) || strings.IndexByte("-.!%*_+`'~", c) >= 0
}

// IsURI reports whether s can be a URI: a scheme, followed by no character that would end
// it.
func IsURI(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || scheme == "" || rest == "" || !IsAlnum(scheme[0]) {
		return false
	}
	for i := range len(scheme) {
		if c := scheme[i]; !IsAlnum(c) && c != '+' && c != '-' && c != '.' {
			return false
		}
	}
	for i := range len(rest) {
		if c := rest[i]; c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"' {
			return false
		}
	}
	return true
}

// IsPlainScheme reports whether a URI's scheme has letters only. sipgo can parse no other
// scheme.
func IsPlainScheme(uri string) bool {
	scheme, _, _ := strings.Cut(uri, ":")
	return strings.Trim(strings.ToLower(scheme), "abcdefghijklmnopqrstuvwxyz") == ""
}

// IsSIP reports whether a URI is of the scheme sip or sips.
func IsSIP(uri string) bool {
	scheme, _, _ := strings.Cut(uri, ":")
	return strings.EqualFold(scheme, "sip") || strings.EqualFold(scheme, "sips")
}

// IsAlnum reports whether c is a letter or a digit of US-ASCII.
func IsAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
