package draft

// Limits of what is read.
const (
	// MaxHead bounds the start line and the headers of a PDU, in bytes.
	MaxHead = 64 << 10
	// MaxBody bounds the body of a PDU, in bytes.
	MaxBody = 16 << 20
	// MaxDepth bounds the depth of nested elements.
	MaxDepth = 1000
	// MaxFindings bounds the findings of one message.
	MaxFindings = 20
)
