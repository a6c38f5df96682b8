package testutil

import (
	"bytes"
	"strings"
	"sync"
)

// A Buffer keeps what is written to it, such as a log or the output of a process. It is
// safe for concurrent use. The zero value is ready.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends to the buffer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String is all that was written.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Count is how often s was written.
func (b *Buffer) Count(s string) int { return strings.Count(b.String(), s) }
