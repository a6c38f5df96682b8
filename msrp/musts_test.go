package msrp

import (
	"testing"

	"github.com/gomscp/gomscp/internal/musts"
)

// TestMusts holds MUSTS.md, the tags in the code and the tests together.
func TestMusts(t *testing.T) { musts.Test(t) }

// TestMutants proves the tests of MUSTS.md: go test ./msrp -run TestMutants
// -timeout 0 -v -mutate . takes some minutes.
func TestMutants(t *testing.T) { musts.TestMutants(t) }
