package musts

import (
	"flag"
	"testing"
)

var mutate = flag.String("mutate", "", "break the code at the tags that match this regular expression, and look whether their tests notice")

// Test fails t unless MUSTS.md, the tags in the code and the tests of the package in the
// current directory agree.
func Test(t *testing.T) {
	t.Helper()
	wrong, err := Check(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Error(w)
	}
}

// TestMutants breaks the code at the tags that -mutate names, and fails t if their tests
// do not notice.
func TestMutants(t *testing.T) {
	t.Helper()
	if *mutate == "" {
		t.Skip("no -mutate")
	}
	Mutate(t, ".", *mutate)
}
