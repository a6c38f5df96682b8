package regevent

// The limits of a document that [Parse] reads.
const (
	MaxBytes      = 64 << 10
	MaxDepth      = 16
	MaxElements   = 10_000
	MaxAttributes = 32 // of one element
)
