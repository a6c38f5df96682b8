package rfc4975

// Limits of what is read.
const (
	// MaxFrame bounds one request or response, in bytes.
	MaxFrame = 16 << 20
	// MaxFindings bounds the findings that a Judge keeps.
	MaxFindings = 20
	// MaxRequests bounds the requests that a Judge remembers.
	MaxRequests = 10_000
)
