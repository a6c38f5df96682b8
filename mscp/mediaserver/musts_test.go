package mediaserver

import (
	"flag"
	"testing"

	"github.com/gomscp/gomscp/internal/musts"
)

var mutate = flag.String("mutate", "", "break the code at the tags that match this regular expression, and look whether their tests notice")

// TestMusts holds MUSTS.md, the tags in the code and the tests together.
func TestMusts(t *testing.T) {
	wrong, err := musts.Check(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Error(w)
	}
}

// TestMutants proves the tests of MUSTS.md: see there.
func TestMutants(t *testing.T) {
	if *mutate == "" {
		t.Skip("no -mutate")
	}
	musts.Mutate(t, ".", *mutate)
}
