package mscp

import (
	"flag"
	"testing"

	"github.com/gomscp/gomscp/internal/musts"
)

var mutate = flag.String("mutate", "", "break the code at the tags that match this regular expression, and look whether their tests notice")

// TestMutants proves the tests of MUSTS.md: go test ./mscp -run TestMutants
// -timeout 0 -v -mutate . takes some minutes.
func TestMutants(t *testing.T) {
	if *mutate == "" {
		t.Skip("no -mutate")
	}
	musts.Mutate(t, ".", *mutate)
}
