package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFind looks for the servers in PATH where there is no clone, and says how to get
// them where they are not.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("PATH", dir)
	told := ""
	find := func() (Binaries, error) { return Find(t.Context(), dir, func(s string) { told = s }) }
	if _, err := find(); !errors.Is(err, errNoBinaries) || !strings.Contains(err.Error(), "go install "+module+"/as/cmd/mscp-as@latest") {
		t.Errorf("without any: %v", err)
	}
	want := binariesIn(dir)
	for _, path := range []string{want.AS, want.MS} {
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := find(); err != nil || got != want || !strings.Contains(told, want.AS) {
		t.Errorf("in PATH: %v, %v, told %q", got, err, told)
	}
	if err := os.Chmod(want.MS, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := find(); !errors.Is(err, errNoBinaries) {
		t.Errorf("one that cannot be run: %v", err)
	}
}

// TestInClone knows this module from others, from any folder in it.
func TestInClone(t *testing.T) {
	if !InClone() {
		t.Error("this package is in no clone")
	}
	dir := t.TempDir()
	sub := filepath.Join(dir, "a", "b")
	if err := os.MkdirAll(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(sub)
	if InClone() {
		t.Error("an empty folder is a clone")
	}
	for mod, want := range map[string]bool{"// c\nmodule \"" + module + "\"\n": true, "module example.com/other\n": false, "module " + module + "/v2\n": false} {
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o644); err != nil {
			t.Fatal(err)
		}
		if InClone() != want {
			t.Errorf("%q: %v", mod, !want)
		}
	}
}
