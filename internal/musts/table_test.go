package musts

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// write makes a folder with those files.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCheck(t *testing.T) {
	right := map[string]string{
		"MUSTS.md": "| tag | demand | file | test |\n|---|---|---|---|\n| RFC1-2.3-4 | a | a.go, b.go | TestA, TestB |\n" +
			"| - | nothing | | |\n| b | MSCP-1-1 | a.go | TestA |\n",
		"a.go":      "package x\n\nvar a = 1 // [RFC1-2.3-4] [MSCP-1-1]\n",
		"b.go":      "package x\n\n// b [RFC1-2.3-4].\nvar b = 1\n",
		"a_test.go": "package x\n\nfunc TestA(t *testing.T) {} // [RFC9-9-9]\nfunc TestB(t *testing.T) {}\n",
	}
	if wrong, err := Check(write(t, right)); err != nil || wrong != nil {
		t.Errorf("got %q, %v", wrong, err)
	}
	rows, err := ReadTable(write(t, right))
	if err != nil || len(rows) != 2 || rows[0].Demand != "a" || rows[1].Demand != "b" || rows[1].Tag != "MSCP-1-1" ||
		!slices.Equal(rows[0].Tests, []string{"TestA", "TestB"}) {
		t.Errorf("got %+v, %v", rows, err)
	}
	for name, tc := range map[string]struct{ file, from, to, want string }{
		"tag gone":      {"b.go", "RFC1-2.3-4", "", "RFC1-2.3-4 stands in [a.go]"},
		"tag elsewhere": {"b.go", "b [", "[MSCP-1-1] [", "MSCP-1-1 stands in [a.go b.go]"},
		"no row":        {"a.go", "MSCP-1-1", "MSCP-1-2", "MSCP-1-2 of [a.go] is not in the table"},
		"two rows":      {"MUSTS.md", "| - | nothing | | |", "| c | MSCP-1-1 | a.go | TestA |", "MSCP-1-1 has two rows"},
		"no test":       {"MUSTS.md", "a.go | TestA |", "a.go | |", "MSCP-1-1 has no test"},
		"test gone":     {"a_test.go", "TestB", "TestC", "there is no TestB"},
		"test in words": {"MUSTS.md", "nothing", "see TestZed", "speaks of TestZed"},
	} {
		files := map[string]string{}
		for f, text := range right {
			if f == tc.file {
				text = strings.Replace(text, tc.from, tc.to, 1)
			}
			files[f] = text
		}
		if wrong, err := Check(write(t, files)); err != nil || !strings.Contains(strings.Join(wrong, "\n"), tc.want) {
			t.Errorf("%s: got %q, %v", name, wrong, err)
		}
	}
	if _, err := Check(t.TempDir()); err == nil {
		t.Error("no table is taken for one")
	}
}
