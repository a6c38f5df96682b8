package mscp

import (
	"testing"

	"github.com/gomscp/gomscp/internal/musts"
)

// TestMutants proves the tests of MUSTS.md: go test ./mscp -run TestMutants
// -timeout 0 -v -mutate . takes some minutes.
func TestMutants(t *testing.T) { musts.TestMutants(t) }
