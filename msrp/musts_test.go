package msrp

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestMusts holds the tags in the code, the table and the tests together: each
// row's tag stands in just the files it names and its tests exist, and each tag
// in the code has a row. What stands in no row of code names tests too.
func TestMusts(t *testing.T) {
	table, err := os.ReadFile("MUSTS.md")
	if err != nil {
		t.Fatal(err)
	}
	tagged := map[string][]string{} // the files of each tag
	tests := map[string]bool{}
	tag := regexp.MustCompile(`\[(RFC\d+-[0-9.]+-\d+)\]`)
	function := regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Example)\w+)\(`)
	files, _ := filepath.Glob("*.go")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f, "_test.go") {
			for _, m := range function.FindAllSubmatch(b, -1) {
				tests[string(m[1])] = true
			}
			continue
		}
		for _, m := range tag.FindAllSubmatch(b, -1) {
			if name := string(m[1]); !slices.Contains(tagged[name], f) {
				tagged[name] = append(tagged[name], f)
			}
		}
	}
	rows := 0
	for _, m := range regexp.MustCompile(`(?m)^\| (RFC\S+) \|[^|]*\| ([^|]*) \| ([^|]*) \|$`).FindAllStringSubmatch(string(table), -1) {
		rows++
		if want := strings.Join(tagged[m[1]], ", "); m[2] != want {
			t.Errorf("%s stands in %q, and the table has %q (once is enough)", m[1], want, m[2])
		}
		delete(tagged, m[1])
		for _, name := range strings.Split(m[3], ", ") {
			if !tests[name] {
				t.Errorf("%s: there is no %s", m[1], name)
			}
		}
	}
	if all := strings.Count(string(table), "\n| RFC"); rows != all || rows < 70 {
		t.Errorf("%d rows were read of %d", rows, all)
	}
	for name, in := range tagged {
		t.Errorf("%s of %v is not in the table", name, in)
	}
	for _, name := range regexp.MustCompile(`\b(?:Test|Benchmark)[A-Z]\w+`).FindAllString(string(table), -1) {
		if !tests[name] {
			t.Errorf("the table speaks of %s, which is not there", name)
		}
	}
}
