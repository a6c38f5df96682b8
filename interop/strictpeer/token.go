package strictpeer

import (
	"crypto/rand"
	"encoding/hex"
)

// token is a random string of n hexadecimal digits, n even.
func token(n int) string {
	b := make([]byte, n/2)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// instance is a random UUID as a URN. See RFC 9562, section 5.4.
func instance() string {
	h := token(32)
	return "urn:uuid:" + h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}
