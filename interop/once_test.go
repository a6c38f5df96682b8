package interop

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// once are lines that mark an implementation of which there is one, and the places that
// may have them: files, or directories with all in them.
var once = map[string]struct {
	mark   *regexp.Regexp
	places []string
}{
	"text made safe for terminals": {regexp.MustCompile(`unicode\.IsPrint\(`), []string{
		"internal/printable",
		"internal/table", // escapes in JSON
	}},
	"fingerprints of certificates": {regexp.MustCompile(`"% ?X"`), []string{
		"internal/fingerprint",
		"interop/conform", // judges ours, and reads by itself
	}},
	"lines of session descriptions": {regexp.MustCompile(`(Cut|Cut..fix|HasPrefix|Index|EqualFold)\([^\n]*"[mo]=|pion/sdp`), []string{
		"internal/sdp",
		"interop/conform", // judges ours, and reads by itself
	}},
}

// TestOnce looks for a second implementation. Peers that judge this project have their
// own readers on purpose, as TestForeignPeers has it, and so may tests.
func TestOnce(t *testing.T) {
	judges := []string{"interop/strictpeer", "interop/internal/scriptedas", "interop/conform/draft", "interop/conform/rfc4975"}
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		path = filepath.ToSlash(path)
		at := strings.TrimPrefix(path, "../")
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for what, rule := range once {
			under := func(place string) bool { return at == place || strings.HasPrefix(at, place+"/") }
			if rule.mark.Match(text) && !slices.ContainsFunc(append(judges, rule.places...), under) {
				t.Errorf("%s: %s, which is the task of %s", at, what, rule.places[0])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
