package fingerprint

import (
	"crypto"
	_ "crypto/sha1" // old peers know no other
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/subtle"
	"fmt"
	"strings"
)

// function returns the hash function of a name; 0 if it is not known. MD5 and MD2 are
// not (RFC 8122, section 5).
func function(name string) crypto.Hash {
	switch name {
	case "sha-1":
		return crypto.SHA1
	case "sha-224":
		return crypto.SHA224
	case "sha-256":
		return crypto.SHA256
	case "sha-384":
		return crypto.SHA384
	case "sha-512":
		return crypto.SHA512
	}
	return 0
}

// Of is the fingerprint of a certificate in DER, with upper-case hexadecimal bytes. The
// name of the hash function is one of sha-1, sha-224, sha-256, sha-384 and sha-512; with
// another there is none, and Of returns "".
func Of(name string, der []byte) string {
	h := function(name)
	if h == 0 {
		return ""
	}
	d := h.New()
	d.Write(der)
	return name + " " + Bytes(d.Sum(nil))
}

// Bytes are hexadecimal bytes in upper case with colons between them.
func Bytes(b []byte) string { return strings.ReplaceAll(fmt.Sprintf("% X", b), " ", ":") }

// Hash is the name of a fingerprint's hash function, in lower case.
func Hash(value string) string {
	name, _ := split(value)
	return name
}

// Matches reports whether a certificate in DER has the fingerprint. Case and white space
// do not matter.
func Matches(value string, der []byte) bool {
	name, sum := split(value)
	have := Of(name, der)
	return have != "" && subtle.ConstantTimeCompare([]byte(have), []byte(name+" "+sum)) == 1
}

// Strict reports whether a fingerprint is as RFC 8122 has it: a name, one blank, and
// hexadecimal bytes in upper case with colons between them.
func Strict(value string) bool {
	name, sum, ok := strings.Cut(value, " ")
	return ok && name != "" && strings.Trim(sum, "0123456789ABCDEF:") == ""
}

// split gives the name in lower case and the bytes in upper case.
func split(value string) (name, sum string) {
	f := strings.Fields(value)
	if len(f) == 0 {
		return "", ""
	}
	return strings.ToLower(f[0]), strings.ToUpper(strings.Join(f[1:], ""))
}
