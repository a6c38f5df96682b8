package as

import (
	"crypto/rand"
	"encoding/hex"
	"strings"

	"github.com/gomscp/gomscp/sipua"
)

// sessionHeader names a call along its whole way, where every B2BUA makes a
// Call-ID of its own. We make the identifier for those who do not, and hand it on
// in our INVITEs, so that it stands in the logs of both servers. See RFC 7989.
const sessionHeader = "Session-ID"

// nilSession stands for a peer whose identifier is not known. See RFC 7989,
// section 5.
const nilSession = "00000000000000000000000000000000"

// sessionID is the identifier that a Session-ID header brings, or a new one.
func sessionID(header string) string {
	id, _, _ := strings.Cut(header, ";")
	id = strings.ToLower(strings.TrimSpace(id)) // older implementations send upper case
	if b, err := hex.DecodeString(id); err == nil && len(b) == 16 && id != nilSession {
		return id
	}
	var b [16]byte
	_, _ = rand.Read(b[:])                      // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // [RFC7989-4.1] a UUID of version 4
	return hex.EncodeToString(b[:])
}

func sessionHeaders(id string) []sipua.Header {
	return []sipua.Header{{Name: sessionHeader, Value: id + ";remote=" + nilSession}}
}
