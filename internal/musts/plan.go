package musts

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A Mutant is one way to break the code at a tag.
type Mutant struct {
	ID    int
	Tags  []string
	Tests []string // of the rows of these tags
	File  string
	Line  int
	Kind  string // what is done: "negate", "delete", "zero", "true", "false", "ready"
	Code  string // to what, its first line
	Whole bool   // one of many in a function that has the tag as a whole

	start, end int // in the file
}

// Key identifies the mutant by its code, also after the code has moved.
func (m *Mutant) Key() string { return m.File + ": " + m.Kind + " " + m.Code }

// plan are the mutants of one package.
type plan struct {
	dir     string
	name    string   // of the package
	tags    []string // that the code has, sorted
	mutants []*Mutant
	source  map[string][]byte
}

// newPlan finds the mutants at the tags that only matches.
func newPlan(dir string, only *regexp.Regexp) (*plan, error) {
	rows, err := ReadTable(dir)
	if err != nil {
		return nil, err
	}
	tests := map[string][]string{}
	for _, r := range rows {
		if only.MatchString(r.Tag) {
			tests[r.Tag] = r.Tests
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	p := &plan{dir: dir, source: map[string][]byte{}}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		if err := p.file(f, tests); err != nil {
			return nil, err
		}
	}
	p.tags = slices.Compact(slices.Sorted(slices.Values(p.tags)))
	return p, nil
}

// file finds the mutants in one file.
func (p *plan) file(path string, tests map[string][]string) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, path, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	p.name = tree.Name.Name
	p.source[path] = src
	f := &finder{p: p, fset: fset, src: src, name: filepath.Base(path), seen: map[string]*Mutant{}}
	f.parents(tree)
	for _, group := range tree.Comments {
		for _, c := range group.List {
			f.tags, f.tests = nil, nil
			for _, m := range tagInGo.FindAllStringSubmatch(c.Text, -1) {
				if names, ok := tests[m[1]]; ok {
					p.tags = append(p.tags, m[1])
					f.tags = append(f.tags, m[1])
					f.tests = append(f.tests, names...)
				}
			}
			if f.tags != nil {
				f.comment(tree, c)
			}
		}
	}
	return nil
}
