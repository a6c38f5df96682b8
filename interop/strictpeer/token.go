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
