package cpim

import (
	"testing"

	"github.com/gomscp/gomscp/internal/musts"
)

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
