package msrp

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMusts holds the tags in the code, the table and the tests together.
func TestMusts(t *testing.T) {
	table, err := os.ReadFile("MUSTS.md")
	if err != nil {
		t.Fatal(err)
	}
	var code, tests strings.Builder
	files, _ := filepath.Glob("*.go")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f, "_test.go") {
			tests.Write(b)
		} else {
			code.Write(b)
		}
	}
	listed := map[string]bool{}
	rows := 0
	for _, m := range regexp.MustCompile(`(?m)^\| (RFC\S+) \|.*\| (.*) \|$`).FindAllStringSubmatch(string(table), -1) {
		rows++
		if listed[m[1]] {
			t.Errorf("%s is there twice", m[1])
		}
		listed[m[1]] = true
		if !strings.Contains(code.String(), "["+m[1]+"]") {
			t.Errorf("%s is in no code", m[1])
		}
		for _, name := range strings.Split(m[2], ", ") {
			if !strings.Contains(tests.String(), "func "+name+"(") {
				t.Errorf("%s: there is no %s", m[1], name)
			}
		}
	}
	if rows < 70 {
		t.Errorf("%d rows were read", rows)
	}
	for _, m := range regexp.MustCompile(`\[(RFC\d+-[0-9.]+-\d+)\]`).FindAllStringSubmatch(code.String(), -1) {
		if !listed[m[1]] {
			t.Errorf("%s is not in the table", m[1])
		}
	}
}
