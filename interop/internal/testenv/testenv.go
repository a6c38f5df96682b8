// Package testenv has what the tests of interop's packages need to run clusters. Only
// tests may import it.
package testenv

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/gomscp/gomscp/interop/cluster"
)

// Main builds the servers into a directory of its own, runs the tests and exits.
func Main(m *testing.M, binaries *cluster.Binaries) {
	dir, err := os.MkdirTemp("", "gomscp-test-")
	if err == nil {
		*binaries, err = cluster.Build(context.Background(), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// FreeAddr is an address at which nothing listens.
func FreeAddr(t testing.TB) string {
	t.Helper()
	addr, err := cluster.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}
