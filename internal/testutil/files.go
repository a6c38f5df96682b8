package testutil

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// Files calls add with the contents of the files that match a pattern, such as seeds of a
// fuzz test. There must be one.
func Files(t testing.TB, pattern string, add func(content []byte)) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(names), err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		add(b)
	}
}

// Bytes are n bytes that look random and are the same each time.
func Bytes(n int) []byte {
	b := make([]byte, n)
	src := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)})
	_, _ = src.Read(b)
	return b
}
